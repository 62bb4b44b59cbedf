// Signs and verifies JWTs with the keys of this issuer (RFC 8725 §3). Every token that we issue or accept as ours passes here.

import { encodeHeader, type JwsHeader, parseJws, signJws, verifyJws } from '../crypto/jws.ts'
import type { SigningAlgorithm } from '../crypto/signing-algorithms.ts'
import { serviceUnavailable } from '../model/oauth-errors.ts'
import type { RequestContext } from '../request/context.ts'
import type { SigningKeyRecord } from '../storage/configuration-reads.ts'
import { ensureKeys } from './ensure-keys.ts'
import { findSigner, findVerifier, headerOf, importSigner, importVerifier } from './imported-keys.ts'
import { isPublishedAt, isTrustedForHints, signingKeyAt } from './key-ring/key-states.ts'

export interface JwtToSign {
  alg: SigningAlgorithm
  /** `at+jwt`, `JWT`, `logout+jwt`, … (RFC 8725 §3.11). */
  typ: string
  /** The complete payload; no claim is added. */
  claims: object
  /**
   * How the header names the key: by `kid` (default), or only by the thumbprints of the certificate (RFC 7515 §4.1.7, §4.1.8). The latter is
   * for a recipient that holds a copy of the certificate and takes an unknown `kid` for another key.
   */
  namedBy?: 'kid' | 'certificate'
}

/** No hop while the isolate knows a key. Throws 503 if no key exists and none can be made. */
export async function signJwt(context: RequestContext, { alg, typ, claims, namedBy }: JwtToSign): Promise<string> {
  const record = signingKeyAt(context.configuration.keys, alg, context.now) ?? (await obtainKey(context, alg))
  const signer = findSigner(record.kid) ?? (await importSigner(context, record))
  const header = namedBy === 'certificate' ? certificateHeader(record, typ) : headerOf(signer, typ)
  return signJws(header, claims, signer.key, signer.alg)
}

function certificateHeader({ alg, public_jwk }: SigningKeyRecord, typ: string): string {
  const { x5t, 'x5t#S256': x5tS256 } = public_jwk as { x5t?: string; 'x5t#S256'?: string }
  return encodeHeader({ alg, typ, x5t, 'x5t#S256': x5tS256 })
}

/** For the first token of an issuer or algorithm. If a replica does not have the new row yet, the key comes from the KeyRing's answer. */
async function obtainKey(context: RequestContext, alg: SigningAlgorithm): Promise<SigningKeyRecord> {
  const created = await ensureKeys(context)
  const { keys } = context.configuration
  const record = signingKeyAt(keys, alg, context.now) ?? signingKeyAt(created, alg, context.now)
  if (!record) throw serviceUnavailable(`there is no ${alg} key: signing_algs in the settings does not name it`)
  return record
}

export interface VerifyOptions {
  /** Accepted media types, such as `at+jwt`. If absent, `typ` is not checked. */
  typ?: string[]
  /** For id_token_hint: also accepts keys that have left the JWKS, until the longest session is over. */
  allowRetiredForHint?: boolean
}

export interface VerifiedJwt {
  header: JwsHeader
  claims: Record<string, unknown>
}

/**
 * Returns undefined unless the text is a JWT of this issuer, signed by a key that is still trusted. The caller checks expiry, audience and
 * all other claims. An unknown kid takes one hop, at most once in five seconds.
 */
export async function verifyJwt(
  context: RequestContext,
  token: string,
  options: VerifyOptions = {},
): Promise<VerifiedJwt | undefined> {
  const jws = parseJws(token)
  if (!jws || jws.payload.iss !== context.issuer.url || !isAcceptedType(jws.header, options.typ)) return undefined
  const record = await findKey(context, jws.header)
  if (!record || !isTrusted(context, record, options)) return undefined
  const verifier = findVerifier(record.kid) ?? (await importVerifier(record))
  if (!verifier || !(await verifyJws(jws, verifier.key, verifier.alg))) return undefined
  return { header: jws.header, claims: jws.payload }
}

/** RFC 7515 §4.1.9: media types are compared without case, and the prefix `application/` is optional. */
function isAcceptedType({ typ }: JwsHeader, accepted: string[] | undefined): boolean {
  if (!accepted || typ === undefined) return !accepted
  return accepted.includes(typ) || accepted.some((each) => mediaType(each) === mediaType(typ))
}

const mediaType = (typ: string): string => typ.toLowerCase().replace(/^application\//, '')

function isTrusted(context: RequestContext, record: SigningKeyRecord, options: VerifyOptions): boolean {
  if (!options.allowRetiredForHint) return isPublishedAt(record, context.now)
  return isTrustedForHints(record, context.configuration.settings.session_absolute_lifetime, context.now)
}

/** Milliseconds. */
const askAgainAfter = 5000
/** When this isolate last read D1 for a kid it did not know. */
const askedAt = new WeakMap<Env, number>()

/** Another isolate may have signed with a key that is a few seconds old. */
async function findKey(context: RequestContext, { kid }: JwsHeader): Promise<SigningKeyRecord | undefined> {
  if (kid === undefined) return undefined
  const find = () => context.configuration.keys.find((key) => key.kid === kid)
  const known = find()
  if (known || context.now - (askedAt.get(context.env) ?? 0) < askAgainAfter) return known
  askedAt.set(context.env, context.now)
  await context.configuration.refresh()
  return find()
}
