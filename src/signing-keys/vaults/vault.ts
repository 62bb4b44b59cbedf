// Where key versions come from and are shared (DESIGN §5). Only the KeyRing object talks to one.
import type { KeyMaterial } from '../../crypto/key-material.ts'
import type { KeyFamily } from '../../crypto/signing-algorithms.ts'

export interface KeyVersion extends KeyMaterial {
  /** The vault's own name of this version. */
  version: string
}

/**
 * `current`: what a peer that knows one key signs with. `next`: waits outside the name such a peer reads, until every JWKS holds it.
 * `previous`: somebody may still sign with it.
 */
export type Place = 'current' | 'next' | 'previous'

export interface SeenVersion {
  version: string
  place: Place
  /** Throws VaultError, or KeyFileError when it is no key and certificate. May cost a request. */
  open(): Promise<KeyMaterial>
}

export interface Vault {
  /** As in `signing_keys.vault`. */
  readonly name: string
  /** What it holds. Absent: everything. Keys of other families are this instance's own. */
  readonly families?: readonly KeyFamily[]
  /** What others may have changed, `next` first; empty when there is nothing. Absent: nobody else knows this vault. Throws VaultError. */
  look?(family: KeyFamily): Promise<SeenVersion[]>
  /** The version that every instance will use: the vault's own, or ours if it took that. `generate` is called only when it holds none. */
  elect(family: KeyFamily, generate: () => Promise<KeyMaterial>): Promise<KeyVersion>
  /** A successor to the version in use. In a shared vault it is `next`. `isUrgent`: the one in use is believed no more. */
  add(family: KeyFamily, generate: () => Promise<KeyMaterial>, isUrgent?: boolean): Promise<KeyVersion>
  /** `next` takes the place of `current`. */
  promote?(family: KeyFamily, next: SeenVersion): Promise<void>
}

export type VaultFault =
  | 'missing'
  /** The name belongs to something deleted that can be recovered: neither readable nor free. */
  | 'deleted'
  /** Our credentials are not believed. */
  | 'unauthorized'
  | 'forbidden'
  | 'throttled'
  | 'unreachable'
  | 'nonsense'
  /** The setting names one version, so nothing may change. */
  | 'pinned'
  /** K13: versions would be written more often than the vault keeps up with. */
  | 'too_soon'

/** What a vault did not do. The message is for operators and holds no secret. */
export class VaultError extends Error {
  override readonly name = 'VaultError'
  readonly fault: VaultFault
  /** Seconds before it is worth asking again, where the vault said so. */
  readonly retryAfter: number | undefined

  constructor(fault: VaultFault, message: string, retryAfter?: number) {
    super(message)
    this.fault = fault
    this.retryAfter = retryAfter
  }
}

/** How a vault's client reaches the world. */
export interface VaultAccess {
  /** Milliseconds since 1970. */
  now(): number
  wait(milliseconds: number): Promise<void>
  /**
   * Milliseconds from an instance's last look at an empty vault until its import is there, with room to spare: whoever imported reads again
   * after it. Whoever enables the first client waits for it too. What comes later still is found by looking, and adopted.
   */
  electionWindow: number
}

export const vaultAccess: VaultAccess = {
  now: () => Date.now(),
  wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  electionWindow: 1500,
}
