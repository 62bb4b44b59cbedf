// The interface of a vault: it stores key versions, and may share them with other servers. Only the KeyRing object calls it.
import type { KeyMaterial } from '../../crypto/key-material.ts'
import type { KeyFamily } from '../../crypto/signing-algorithms.ts'

export interface KeyVersion extends KeyMaterial {
  /** The vault's id of this version. */
  version: string
}

/**
 * `current`: the version under the name that one-key peers read and sign with. `next`: a successor outside that name, until every cached
 * JWKS holds it. `previous`: an earlier `current`, with which another server may still sign.
 */
export type Place = 'current' | 'next' | 'previous'

/** A version that a scan found. */
export interface VaultVersion {
  version: string
  place: Place
  /** Reads the key. Throws VaultError, or KeyFileError if the content is not a key with its certificate. May send a request. */
  open(): Promise<KeyMaterial>
}

export interface Vault {
  /** The value of `signing_keys.vault`. */
  readonly name: string
  /** The key families it stores; all if absent. Keys of other families stay in this instance. */
  readonly families?: readonly KeyFamily[]
  /** The versions in the vault, `next` first. Absent if no other server uses this vault. Throws VaultError. */
  scan?(family: KeyFamily): Promise<VaultVersion[]>
  /**
   * Returns the version that every instance will use: the one that the vault holds, or ours if the vault took it. Calls `generate` only if
   * the vault holds none. Throws VaultError.
   */
  elect(family: KeyFamily, generate: () => Promise<KeyMaterial>): Promise<KeyVersion>
  /**
   * Stores a successor of the version in use; in a shared vault it becomes `next`. `isUrgent`: it replaces a key that must not be used any
   * more, so no interval between writes is respected. Throws VaultError.
   */
  add(family: KeyFamily, generate: () => Promise<KeyMaterial>, isUrgent?: boolean): Promise<KeyVersion>
  /** Makes `next` the `current` version. Throws VaultError. */
  promote?(family: KeyFamily, next: VaultVersion): Promise<void>
}

export type VaultFault =
  | 'missing'
  /** The name belongs to a deleted object that can be recovered: it can be neither read nor reused. */
  | 'deleted'
  /** The vault does not accept our credentials. */
  | 'unauthorized'
  | 'forbidden'
  | 'throttled'
  | 'unreachable'
  | 'nonsense'
  /** The setting names one version, so the key may not change. */
  | 'pinned'
  /** K13: the last write is too recent for another one. */
  | 'too_soon'

/** A failed call to a vault. The message is for the operator and holds no secret. */
export class VaultError extends Error {
  override readonly name = 'VaultError'
  readonly fault: VaultFault
  /** Seconds until the next call, if the vault stated them. */
  readonly retryAfter: number | undefined

  constructor(fault: VaultFault, message: string, retryAfter?: number) {
    super(message)
    this.fault = fault
    this.retryAfter = retryAfter
  }
}

/** The clock of a vault's client, which tests replace. */
export interface VaultAccess {
  /** Milliseconds since 1970. */
  now(): number
  wait(milliseconds: number): Promise<void>
  /**
   * Milliseconds from the moment an instance reads an empty vault until its import is visible, with a margin. An instance that imported
   * waits this long before it reads the winner; so the administrator who enables the first client waits too. A later import is found by
   * the next scan and adopted.
   */
  electionWindow: number
}

export const vaultAccess: VaultAccess = {
  now: () => Date.now(),
  wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  electionWindow: 1500,
}
