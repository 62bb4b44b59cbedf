// Runs the vaults' clients against the fakes in one isolate: fetch calls the fake, and waiting advances a simulated clock.
import { vi } from 'vitest'
import { generateKeyMaterial, type KeyMaterial } from '../../../src/crypto/key-material.ts'
import type { VaultAccess } from '../../../src/signing-keys/vaults/vault.ts'
import { noon } from '../../context.ts'

export interface Clock {
  now(): number
  pass(milliseconds: number): void
  access: VaultAccess
}

/** A simulated clock. A wait ends only after all running tasks have reached a wait of their own, as with real time. */
export function aClock(): Clock {
  let now = noon
  const access: VaultAccess = {
    now: () => now,
    async wait(milliseconds) {
      const until = now + milliseconds
      // Tasks in the middle of a request go on first.
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

const keys: KeyMaterial[] = []
let calls = 0

/** One of six RSA keys in turn: generating one takes up to a second on a busy machine. */
export async function aKey(): Promise<KeyMaterial> {
  calls += 1
  const cached = keys[(calls - 1) % 6]
  if (cached) return cached
  const key = await generateKeyMaterial('RSA', 2048, noon)
  keys.push(key)
  return key
}
