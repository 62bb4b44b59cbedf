// Where key versions come from and are shared (DESIGN §5). Only the KeyRing object talks to one.
import type { KeyMaterial } from '../crypto/key-material.ts'
import type { KeyFamily } from '../crypto/signing-algorithms.ts'

export interface KeyVersion extends KeyMaterial {
  /** The vault's own name of this version. */
  version: string
}

export interface VersionSummary {
  version: string
  state: 'announced' | 'active' | 'retired'
}

export interface Vault {
  /** As in `signing_keys.vault`. */
  readonly name: string
  /** Versions that are known outside this instance's ring, newest first. */
  list(family: KeyFamily): Promise<VersionSummary[]>
  get(family: KeyFamily, version: string): Promise<KeyVersion | undefined>
  /** The version that every instance will use: the vault's own, or ours if it took that. `generate` is called only when it holds none. */
  elect(family: KeyFamily, generate: () => Promise<KeyMaterial>): Promise<KeyVersion>
  /** A successor to the version in use. */
  add(family: KeyFamily, generate: () => Promise<KeyMaterial>): Promise<KeyVersion>
}
