// Client secrets. Typed secrets must be strong, generated ones are returned once, and only their SHA-256 is stored (SECURITY-CASES Rules 8, D07).

import { base64url, randomBytes, sha256 } from '../crypto/encoding.ts'
import { estimateSecretBits, leastSecretBits } from '../crypto/secret-strength.ts'
import { refuseFaults } from '../model/refuse-faults.ts'
import type { RequestContext } from '../request/context.ts'
import type { ClientSecretRow } from '../storage/clients.ts'
import type { TypedSecret } from './client-input.ts'

/**
 * A typed secret replaces the stored secret with the same label or value; the others stay. The result is sorted, so that equal lists compare as
 * equal.
 */
export async function withTypedSecrets(
  stored: ClientSecretRow[],
  typed: readonly TypedSecret[],
  now: number,
): Promise<ClientSecretRow[]> {
  const secrets = await Promise.all(
    typed.map(async ({ value, label, expires_at }) => {
      const hash = await sha256(value)
      const same = stored.find((secret) => secret.hash === hash)
      return { hash, label, expires_at: milliseconds(expires_at), created_at: same?.created_at ?? now }
    }),
  )
  const isReplaced = (old: ClientSecretRow) =>
    secrets.some((secret) => secret.label === old.label || secret.hash === old.hash)
  const kept = stored.filter((secret) => !isReplaced(secret))
  return [...kept, ...secrets].sort((a, b) => (a.hash < b.hash ? -1 : 1))
}

/** Field → fault. */
export function typedSecretFaults(typed: readonly TypedSecret[]): Record<string, string> {
  const faults: Record<string, string> = {}
  for (const [index, { value, label }] of typed.entries()) {
    const bits = Math.floor(estimateSecretBits(value))
    if (bits < leastSecretBits) {
      faults[`secrets.${index}.value`] =
        `is too easy to guess: about ${bits} bits, ${leastSecretBits} are needed, as 32 random hex digits have; ` +
        'POST …/secrets generates one'
    }
    if (typed.some((other, at) => at < index && (other.label === label || other.value === value))) {
      faults[`secrets.${index}.label`] = 'is a duplicate: every secret needs a label and a value of its own'
    }
  }
  return faults
}

const milliseconds = (instant: string | null): number | null => (instant === null ? null : Date.parse(instant))

export interface NewSecret {
  label?: string | undefined
  /** RFC 3339. `null` means that the secret never expires. */
  expires_at?: string | null | undefined
}

/** Generates a secret of 256 bits. `value` is returned and not stored. Throws a Problem if the label is taken. */
export async function generateSecret(
  context: RequestContext,
  stored: ClientSecretRow[],
  body: NewSecret,
): Promise<{ value: string; secret: ClientSecretRow }> {
  const label = body.label ?? `generated ${new Date(context.now).toISOString()}`
  if (stored.some((secret) => secret.label === label))
    refuseFaults({ label: 'belongs to another secret of this client' })
  const value = base64url(randomBytes(32))
  const expires_at = milliseconds(body.expires_at ?? null)
  return { value, secret: { hash: await sha256(value), label, expires_at, created_at: context.now } }
}
