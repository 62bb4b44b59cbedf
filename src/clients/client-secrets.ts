// Client secrets: typed ones must be strong, generated ones are shown once; only their SHA-256 is kept (SECURITY-CASES Rules 8, D07).

import { base64url, randomBytes, sha256 } from '../crypto/encoding.ts'
import { estimateSecretBits, leastSecretBits } from '../crypto/secret-strength.ts'
import { refuseFaults } from '../model/refuse-faults.ts'
import type { RequestContext } from '../request/context.ts'
import type { ClientSecretRow } from '../storage/clients.ts'
import type { TypedSecret } from './client-input.ts'

/**
 * A label names one secret: another value under the same label replaces it, secrets of other labels stay. Sorted, so that the same secrets
 * are the same value.
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

/** Field → what is wrong with it. */
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
      faults[`secrets.${index}.label`] = 'stands twice: every secret has a label and a value of its own'
    }
  }
  return faults
}

const milliseconds = (instant: string | null): number | null => (instant === null ? null : Date.parse(instant))

export interface NewSecret {
  label?: string | undefined
  /** RFC 3339; null: never. */
  expires_at?: string | null | undefined
}

/** 256 bits. The value is in the answer and nowhere else. */
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
