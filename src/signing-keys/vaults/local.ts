// The vault of an instance that shares its keys with nobody: made here, kept only in the ring's rows.
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
