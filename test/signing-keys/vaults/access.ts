// The vaults' clients against the fakes, in one isolate: fetch leads to the fake, and waiting moves a clock of our own.
import { vi } from 'vitest'
import { generateKeyMaterial, type KeyMaterial } from '../../../src/crypto/key-material.ts'
import type { VaultAccess } from '../../../src/signing-keys/vaults/vault.ts'
import { noon } from '../../context.ts'

export interface Clock {
  now(): number
  pass(milliseconds: number): void
  access: VaultAccess
}

/** Those who wait do so until everybody who runs has come to a wait, as in the world. */
export function aClock(): Clock {
  let now = noon
  const access: VaultAccess = {
    now: () => now,
    async wait(milliseconds) {
      const until = now + milliseconds
      // Whoever is in the middle of a request goes on first.
      await scheduler.wait(60)
      now = Math.max(now, until)
    },
    electionWindow: 3000,
  }
  return {
    now: () => now,
    pass: (milliseconds) => {
      now += milliseconds
    },
    access,
  }
}

export const answering = (answer: (request: Request) => Promise<Response>) =>
  vi.spyOn(globalThis, 'fetch').mockImplementation((input, init) => answer(new Request(input, init)))

/** RSA keys cost a second on a busy machine: tests that need many take them from here. */
const made: KeyMaterial[] = []
let taken = 0

export async function aKey(): Promise<KeyMaterial> {
  taken += 1
  const kept = made[(taken - 1) % 6]
  if (kept) return kept
  const key = await generateKeyMaterial('RSA', 2048, noon)
  made.push(key)
  return key
}
