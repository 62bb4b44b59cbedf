// How a shared vault has been doing: what failed and since when, and how long to leave it alone (K07). Kept by the KeyRing, so that sleeping
// does not make it forget.
import { type Vault, VaultError, type VaultFault } from '../vaults/vault.ts'

export interface VaultWatch {
  /** Milliseconds since 1970, as everything here: of the last look that was answered. */
  lookedAt: number
  nextLookAt: number
  failure?: { fault: VaultFault; message: string; since: number; count: number; notBefore: number } | undefined
  /** Versions that cannot be used. */
  faults: string[]
}

export const firstWatch: VaultWatch = { lookedAt: 0, nextLookAt: 0, faults: [] }

const second = 1000
const minute = 60 * second
const usualPause = 4 * minute
const longestPause = 5 * minute
/** E06: who has nothing to sign with is served within five seconds of the vault's return. */
const longestPauseWithoutKey = 3 * second

/** Instances that started together do not look together. Whole milliseconds, as an alarm has: else it would ring a moment too early. */
export const nextLook = (now: number): number => now + usualPause + Math.ceil(Math.random() * 2 * minute)

/** Doubling from a second on, with jitter upwards only: never more than one request for each second. The vault's own wish counts to an hour. */
export function afterFailure(watch: VaultWatch, fault: VaultError, { now, hasKey }: Moment): VaultWatch {
  const count = (watch.failure?.count ?? 0) + 1
  const longest = hasKey ? longestPause : longestPauseWithoutKey
  const pause = Math.min(second * 2 ** Math.min(count, 12), longest) * (1 + Math.random() / 2)
  const notBefore = now + Math.max(Math.ceil(pause), Math.min(fault.retryAfter ?? 0, 3600) * second)
  const since = watch.failure?.since ?? now
  return {
    ...watch,
    nextLookAt: notBefore,
    failure: { fault: fault.fault, message: fault.message, since, count, notBefore },
  }
}

/** What says nothing about the vault's health: we kept ourselves from asking. */
const ownRefusals: readonly VaultFault[] = ['pinned', 'too_soon']

interface Moment {
  now: number
  /** The ring holds one, whatever the vault does. */
  hasKey: boolean
}

export interface Guard extends Moment {
  read(): VaultWatch
  note(watch: VaultWatch): void
}

/** The same vault, left alone while it is to be left alone. */
export function guarded(vault: Vault, guard: Guard): Vault {
  // Nobody else knows it: nothing can be out of order.
  if (!vault.look) return vault
  async function tried<T>(call: () => Promise<T>): Promise<T> {
    const { failure } = guard.read()
    if (failure && failure.notBefore > guard.now) throw new VaultError(failure.fault, failure.message)
    try {
      const answer = await call()
      if (failure) guard.note({ ...guard.read(), failure: undefined })
      return answer
    } catch (fault) {
      if (fault instanceof VaultError && !ownRefusals.includes(fault.fault)) {
        guard.note(afterFailure(guard.read(), fault, guard))
      }
      throw fault
    }
  }
  const { look, promote } = vault
  return {
    ...vault,
    look: (family) => tried(() => look(family)),
    elect: (family, generate) => tried(() => vault.elect(family, generate)),
    add: (family, generate, isUrgent) => tried(() => vault.add(family, generate, isUrgent)),
    ...(promote ? { promote: (family, next) => tried(() => promote(family, next)) } : {}),
  }
}
