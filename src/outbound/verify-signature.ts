// Verifies the signature of a JWT by a client or an external provider: chooses among its published keys, and fetches newer keys if none fits.

import type { AcceptedAlgorithm } from '../crypto/accepted-algorithms.ts'
import { type ForeignJwt, verifyForeignJwt } from '../crypto/foreign-jwt.ts'
import { importRemoteKey, type RemoteKey, type RemoteKeys } from './remote-jwks.ts'

export interface Signer {
  getKeys(): Promise<RemoteKeys>
  /** Keys newer than those that were tried, or undefined if there are none now. */
  getNewerKeys(tried: RemoteKey[]): Promise<RemoteKey[] | undefined>
  /** Whether a token that several keys fit is tried with each of them, up to five, or refused. */
  whenSeveralFit: 'try' | 'refuse'
  /** Restricts the keys further. */
  isSigningKey?(key: RemoteKey): boolean
}

/** `keys`: the keys that do not verify the signature. */
export type SignatureVerdict = 'verified' | { fault: string } | { keys: RemoteKey[] }

/** `alg`: checked by the caller against what the signer may use. No hop while the keys are known and fit. */
export async function verifySignature(
  jwt: ForeignJwt,
  alg: AcceptedAlgorithm,
  signer: Signer,
): Promise<SignatureVerdict> {
  const known = await signer.getKeys()
  if ('fault' in known) return known
  if (await isSignedByOne(jwt, alg, known.keys, signer)) return 'verified'
  const newer = await signer.getNewerKeys(known.keys)
  if (newer && (await isSignedByOne(jwt, alg, newer, signer))) return 'verified'
  return { keys: newer ?? known.keys }
}

const maxTriedKeys = 5

async function isSignedByOne(
  jwt: ForeignJwt,
  alg: AcceptedAlgorithm,
  keys: RemoteKey[],
  { whenSeveralFit, isSigningKey = () => true }: Signer,
): Promise<boolean> {
  const { kid } = jwt.header
  const named = keys.filter((key) => (kid === undefined || key.kid === kid) && isSigningKey(key))
  const fitting = await importFitting(named, alg)
  if (whenSeveralFit === 'refuse' && fitting.length > 1) return false
  for (const key of fitting) if (await verifyForeignJwt(jwt, key, alg)) return true
  return false
}

/** The first keys that fit. There is more than one only without kid, or if the set has a kid twice. */
async function importFitting(keys: RemoteKey[], alg: AcceptedAlgorithm): Promise<CryptoKey[]> {
  const fitting: CryptoKey[] = []
  for (const jwk of keys) {
    const key = await importRemoteKey(jwk, alg)
    if (key) fitting.push(key)
    if (fitting.length === maxTriedKeys) break
  }
  return fitting
}
