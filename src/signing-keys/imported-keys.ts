// The isolate's keys as CryptoKeys, imported on first use and cached by kid: a kid never changes its key.

import { importVerificationKey } from '../crypto/jwk.ts'
import { encodeHeader } from '../crypto/jws.ts'
import { importSigningKey } from '../crypto/key-material.ts'
import { isSigningAlgorithm, type SigningAlgorithm } from '../crypto/signing-algorithms.ts'
import type { OAuthError } from '../model/errors.ts'
import { temporarilyUnavailable } from '../model/oauth-errors.ts'
import type { RequestContext } from '../request/context.ts'
import type { SigningKeyRecord } from '../storage/configuration-reads.ts'

export interface ImportedKey {
  kid: string
  alg: SigningAlgorithm
  key: CryptoKey
}

export interface Signer extends ImportedKey {
  /** `typ` → encoded protected header. */
  headers: Map<string, string>
}

const signers = new Map<string, Signer>()
const verifiers = new Map<string, ImportedKey>()
const maxKeys = 32

function remember<T extends ImportedKey>(keys: Map<string, T>, key: T): T {
  if (keys.size >= maxKeys) keys.clear()
  keys.set(key.kid, key)
  return key
}

export const findSigner = (kid: string): Signer | undefined => signers.get(kid)

/** Throws 503 if no WRAP_KEY opens the private key of the row. */
export async function importSigner(context: RequestContext, record: SigningKeyRecord): Promise<Signer> {
  const { kid, alg } = record
  const privateKey = await context.issuer.keyWrapper.open('signing-key', record.wrapped_private_key ?? '')
  if (!privateKey || !isSigningAlgorithm(alg)) throw unreadableKey(record)
  return remember(signers, { kid, alg, key: await importSigningKey(privateKey, alg), headers: new Map() })
}

/** The encoded protected header of a token of this type. */
export function headerOf({ kid, alg, headers }: Signer, typ: string): string {
  let header = headers.get(typ)
  if (header === undefined) {
    header = encodeHeader({ alg, typ, kid })
    headers.set(typ, header)
  }
  return header
}

export const findVerifier = (kid: string): ImportedKey | undefined => verifiers.get(kid)

/** Returns undefined if the algorithm is unknown, or the key is malformed or too weak. */
export async function importVerifier({ kid, alg, public_jwk }: SigningKeyRecord): Promise<ImportedKey | undefined> {
  if (!isSigningAlgorithm(alg)) return undefined
  const key = await importVerificationKey(public_jwk, alg)
  return key && remember(verifiers, { kid, alg, key })
}

function unreadableKey({ kid, vault }: SigningKeyRecord): OAuthError {
  return temporarilyUnavailable({
    description: 'tokens cannot be signed at the moment',
    check: 'signing_key',
    expected: `the private key of ${kid} (vault ${vault}) sealed under one of the keys in WRAP_KEY`,
    received: 'a row that none of them opens',
    fix: 'WRAP_KEY or the issuer was changed: add the old key beside the new one (WRAP_KEY = "2.NEW 1.OLD"), or retire this kid',
    retryAfter: 60,
  })
}
