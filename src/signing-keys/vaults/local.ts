// The vault of an instance that shares its keys with no other server: keys are generated here and stored only in the rows of the ring.
import type { KeyMaterial } from '../../crypto/key-material.ts'
import type { KeyVersion, Vault } from './vault.ts'

export const localVault: Vault = {
  name: 'local',
  elect: (_, generate) => newVersion(generate),
  add: (_, generate) => newVersion(generate),
}

async function newVersion(generate: () => Promise<KeyMaterial>): Promise<KeyVersion> {
  return { ...(await generate()), version: crypto.randomUUID() }
}
