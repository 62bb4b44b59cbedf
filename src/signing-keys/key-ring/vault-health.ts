// Health of a shared vault: what failed, since when, and when to call it again (K07). The KeyRing stores it, so it survives hibernation.
import { type Vault, VaultError, type VaultFault } from '../vaults/vault.ts'

/** Stored by the KeyRing. All times are milliseconds since 1970. */
export interface VaultHealth {
  /** The last scan that succeeded; 0 before the first one. */
  lookedAt: number
  nextLookAt: number
  failure?: { fault: VaultFault; message: string; since: number; count: number; notBefore: number } | undefined
  /** Why single versions in the vault cannot be used. */
  faults: string[]
}

export const initialHealth: VaultHealth = { lookedAt: 0, nextLookAt: 0, faults: [] }

const second = 1000
const minute = 60 * second
const scanInterval = 4 * minute
const maxPause = 5 * minute
/** E06: an instance without any key must sign within five seconds of the vault's return. */
const maxPauseWithoutKey = 3 * second

/**
 * Milliseconds since 1970 of the next scan. Jitter keeps instances that started together from scanning together. The result is an integer,
 * as an alarm time is: a fraction would make the alarm ring too early.
 */
export const nextScanTime = (now: number): number => now + scanInterval + Math.ceil(Math.random() * 2 * minute)

/**
 * The pause doubles with each failure, from a second on. Jitter only lengthens it, so the vault gets at most one request per second. The
 * vault's Retry-After is respected up to one hour.
 */
export function healthAfterFailure(health: VaultHealth, error: VaultError, { now, hasKey }: RingState): VaultHealth {
  const count = (health.failure?.count ?? 0) + 1
  const longest = hasKey ? maxPause : maxPauseWithoutKey
  const pause = Math.min(second * 2 ** Math.min(count, 12), longest) * (1 + Math.random() / 2)
  const notBefore = now + Math.max(Math.ceil(pause), Math.min(error.retryAfter ?? 0, 3600) * second)
  const since = health.failure?.since ?? now
  return {
    ...health,
    nextLookAt: notBefore,
    failure: { fault: error.fault, message: error.message, since, count, notBefore },
  }
}

/** Our own refusals to call the vault: they say nothing about its health. */
const ownRefusals: readonly VaultFault[] = ['pinned', 'too_soon']

interface RingState {
  /** Milliseconds since 1970. */
  now: number
  /** Whether the ring holds any key, whatever the state of the vault. */
  hasKey: boolean
}

export interface HealthStore extends RingState {
  read(): VaultHealth
  write(health: VaultHealth): void
}

/** The same vault with a back-off: while a failure's pause lasts, each call throws the last VaultError without a request. */
export function withBackoff(vault: Vault, store: HealthStore): Vault {
  // A vault that is not shared has no server that could fail.
  if (!vault.scan) return vault
  async function attempt<T>(call: () => Promise<T>): Promise<T> {
    const { failure } = store.read()
    if (failure && failure.notBefore > store.now) throw new VaultError(failure.fault, failure.message)
    try {
      const result = await call()
      if (failure) store.write({ ...store.read(), failure: undefined })
      return result
    } catch (error) {
      if (error instanceof VaultError && !ownRefusals.includes(error.fault)) {
        store.write(healthAfterFailure(store.read(), error, store))
      }
      throw error
    }
  }
  const { scan, promote } = vault
  return {
    ...vault,
    scan: (family) => attempt(() => scan(family)),
    elect: (family, generate) => attempt(() => vault.elect(family, generate)),
    add: (family, generate, isUrgent) => attempt(() => vault.add(family, generate, isUrgent)),
    ...(promote ? { promote: (family, next) => attempt(() => promote(family, next)) } : {}),
  }
}
