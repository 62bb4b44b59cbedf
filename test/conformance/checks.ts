// The checks that every module of the OpenID Foundation's suite makes: metadata, keys, responses, tokens, claims. Conditions that the suite
// only warns about are asserted too, because warnings are public in a certification.
import { createHash, createPublicKey, type JsonWebKey, X509Certificate } from 'node:crypto'
import { compactVerify, decodeProtectedHeader, importJWK, type JWK } from 'jose'
import { expect } from 'vitest'
import { claimsOf } from '../node/server.ts'

export type Json = Record<string, unknown>

export interface Key extends JsonWebKey {
  kty: string
  x5c?: string[]
}

export interface Tokens {
  access_token: string
  id_token: string
  refresh_token?: string
}

export interface IdToken {
  header: Json
  claims: Json
}

const now = () => Date.now() / 1000
const year = 365 * 24 * 3600

/** Discovery §3, as far as every module needs it. `method` is the authentication method of the module's client. */
export function checkMetadata(metadata: Json, method: string): void {
  for (const name of ['issuer', 'authorization_endpoint', 'token_endpoint', 'userinfo_endpoint', 'jwks_uri']) {
    expect(metadata[name], name).toMatch(/^https:\/\//)
  }
  expect(metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic']).toContain(method)
}

const publicMembers: Record<string, string[]> = { RSA: ['n', 'e'], EC: ['crv', 'x', 'y'], OKP: ['crv', 'x'] }
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** RFC 7517 §4, RFC 7518 §6: only public keys, each with a unique kid, and certificates that match their keys. */
export function checkKeys(keys: Key[]): void {
  expect(keys).not.toEqual([])
  expect(new Set(keys.map((key) => key.kid)).size, 'kids are unique').toBe(keys.length)
  for (const key of keys) {
    expect(key.kid, 'kid').toMatch(/\S/)
    expect(Object.keys(publicMembers), 'kty').toContain(key.kty)
    expect(['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', undefined], 'alg').toContain(key.alg)
    for (const name of privateMembers) expect(key).not.toHaveProperty(name)
    for (const name of publicMembers[key.kty] ?? []) expect(key[name], name).toMatch(/^[\w-]+$/)
    checkCertificate(key)
  }
}

function checkCertificate(key: Key): void {
  const bare = createPublicKey({ key, format: 'jwk' })
  const [der] = (key.x5c ?? []).map((text) => Buffer.from(text, 'base64'))
  if (!der) return
  expect(new X509Certificate(der).publicKey.equals(bare), 'x5c holds n and e').toBe(true)
  const thumbprint = (hash: string) => createHash(hash).update(der).digest('base64url')
  if (key.x5t !== undefined) expect(key.x5t).toBe(thumbprint('sha1'))
  if (key['x5t#S256'] !== undefined) expect(key['x5t#S256']).toBe(thumbprint('sha256'))
}

/** The suite's estimate: Shannon entropy of the text's own histogram, times its length. */
export function shannonBits(text: string): number {
  const counts = new Map<string, number>()
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1)
  return -[...counts.values()].reduce((sum, count) => sum + count * Math.log2(count / text.length), 0)
}

/** Characters and entropy of codes and tokens (RFC 6749 §10.10, §A.11, §A.12, §A.17). */
function checkCredential(value: unknown, name: string): void {
  expect(value, name).toMatch(/^[\x20-\x7e]{16,}$/)
  expect(shannonBits(String(value)), `bits of ${name}`).toBeGreaterThan(96)
}

/** RFC 6749 §4.1.2, RFC 9207 §2. Returns the code. */
export function checkCodeResponse(response: URLSearchParams, sent: { state?: string | undefined }, issuer: string) {
  checkResponse(response, sent, issuer, ['code', 'state', 'iss', 'session_state'])
  const code = response.get('code')
  checkCredential(code, 'code')
  return String(code)
}

/** RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6. Returns the error. */
export function checkErrorResponse(response: URLSearchParams, sent: { state?: string | undefined }, issuer: string) {
  checkResponse(response, sent, issuer, ['error', 'error_description', 'error_uri', 'state', 'iss', 'session_state'])
  checkErrorTexts(Object.fromEntries(response))
  return response.get('error')
}

function checkResponse(
  response: URLSearchParams,
  sent: { state?: string | undefined },
  issuer: string,
  expected: string[],
): void {
  const names = [...response.keys()]
  expect(new Set(names).size, 'each parameter once').toBe(names.length)
  expect(expected).toEqual(expect.arrayContaining(names))
  expect(response.get('state'), 'state, byte for byte').toBe(sent.state ?? null)
  expect(response.get('iss')).toBe(issuer)
}

/** RFC 6749 §4.1.2.1, §5.2: only printable ASCII without `"` and `\`. */
function checkErrorTexts({ error, error_description, error_uri }: Json): void {
  expect(error).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
  if (error_description !== undefined) expect(error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/)
  if (error_uri !== undefined) expect(URL.canParse(String(error_uri))).toBe(true)
}

/** RFC 6749 §5.1, OIDC Core §3.1.3.3. */
export async function checkTokenResponse(response: Response): Promise<Tokens> {
  const body = await readJson(response)
  expect(response.status, JSON.stringify(body)).toBe(200)
  expect(response.headers.get('cache-control')).toContain('no-store')
  expect(body.token_type).toBe('Bearer')
  expect(body.expires_in).toSatisfy(
    (value) => typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= year,
  )
  checkCredential(body.access_token, 'access_token')
  if (body.refresh_token !== undefined) checkCredential(body.refresh_token, 'refresh_token')
  expect(body.id_token).toBeTypeOf('string')
  return body as unknown as Tokens
}

/** RFC 6749 §5.2. */
export async function checkTokenError(response: Response, error: string): Promise<void> {
  const body = await readJson(response)
  expect(response.status).toBe(400)
  expect(body.error).toBe(error)
  checkErrorTexts(body)
}

export async function readJson(response: Response): Promise<Json> {
  expect(response.headers.get('content-type')).toMatch(/^application\/json(;|$)/)
  return (await response.json()) as Json
}

export interface IdTokenContext {
  issuer: string
  keys: Key[]
  client_id: string
  nonce: string | undefined
  access_token: string
  /** Members of `claims.id_token` in the request. */
  requested?: string[]
}

/** Claims about the token or the sign-in, not about the person. */
const protocolClaims =
  'iss sub aud exp iat auth_time nonce acr amr azp at_hash c_hash nbf jti sid s_hash txn openbanking_intent_id'

/** OIDC Core §2, §3.1.3.6, §3.1.3.7. */
export async function checkIdToken(token: string, context: IdTokenContext): Promise<IdToken> {
  await checkSignature(token, context.keys)
  const header = decodeProtectedHeader(token) as Json
  const claims = claimsOf(token)
  expect(header.kid).toMatch(/\S/)
  expect(claims.iss).toBe(context.issuer)
  expect([claims.aud].flat()).toContain(context.client_id)
  expect(claims.sub).toMatch(/^[\x20-\x7e]{1,255}$/)
  expect(claims.nonce, 'nonce').toBe(context.nonce)
  checkTimes(claims)
  if (claims.acr !== undefined) expect(claims.acr).toMatch(/./)
  if (claims.sid !== undefined) expect(claims.sid).toMatch(/^[\x21-\x7e]+$/)
  if (claims.at_hash !== undefined) expect(claims.at_hash).toBe(halfHash(context.access_token, String(header.alg)))
  expect(claims).not.toHaveProperty('c_hash')
  const expected = [...protocolClaims.split(' '), ...(context.requested ?? [])]
  expect(expected, 'no claim that was not requested').toEqual(expect.arrayContaining(Object.keys(claims)))
  checkStandardClaims(claims)
  return { header, claims }
}

function checkTimes(claims: Json): void {
  const [exp, iat, authTime] = [Number(claims.exp), Number(claims.iat), Number(claims.auth_time ?? now())]
  for (const name of ['exp', 'iat']) expect(claims[name], name).toBeTypeOf('number')
  if (claims.auth_time !== undefined) expect(claims.auth_time).toBeTypeOf('number')
  expect(exp).toBeGreaterThan(now() - 300)
  expect(exp).toBeLessThan(now() + 50 * year)
  expect(Math.abs(iat - now())).toBeLessThan(300)
  expect(authTime).toBeLessThanOrEqual(now())
  expect(authTime).toBeGreaterThan(now() - year)
}

/** Exactly one published key has the kid and fits the alg of the header, and it verifies the signature. */
async function checkSignature(token: string, keys: Key[]): Promise<void> {
  const { alg = '', kid } = decodeProtectedHeader(token)
  const kty = { R: 'RSA', P: 'RSA', E: alg === 'EdDSA' ? 'OKP' : 'EC' }[alg.charAt(0)]
  const fitting = keys.filter(
    (key) => key.kid === kid && key.kty === kty && (key.alg ?? alg) === alg && (key.use ?? 'sig') === 'sig',
  )
  expect(fitting, `one key for ${alg} ${kid}`).toHaveLength(1)
  await compactVerify(token, await importJWK(fitting[0] as JWK, alg))
}

function halfHash(text: string, alg: string): string {
  const hash = alg === 'EdDSA' ? 'sha512' : `sha${alg.slice(-3)}`
  const digest = createHash(hash).update(text).digest()
  return digest.subarray(0, digest.length / 2).toString('base64url')
}

/** OIDC Core §5.3.2: status 200, JSON, and the subject of the ID token. */
export async function checkUserinfo(response: Response, sub: unknown): Promise<Json> {
  expect(response.status).toBe(200)
  const claims = await readJson(response)
  expect(claims.sub).toBe(sub)
  expect(claims).not.toHaveProperty('nonce')
  checkStandardClaims(claims)
  return claims
}

const isText = (value: unknown) => typeof value === 'string' && value.trim() !== '' && value !== 'null'
const isFlag = (value: unknown) => typeof value === 'boolean'
const isWebAddress = (value: unknown) => isText(value) && /^https?:$/.test(URL.parse(String(value))?.protocol ?? '')

const typeOf: Record<string, (value: unknown) => boolean> = {
  name: isText,
  given_name: isText,
  family_name: isText,
  middle_name: isText,
  nickname: isText,
  preferred_username: isText,
  profile: isWebAddress,
  picture: isWebAddress,
  website: isWebAddress,
  gender: isText,
  birthdate: (value) => {
    const [, birthYear] = /^(\d{4})(-\d\d-\d\d)?$/.exec(String(value)) ?? []
    return birthYear === '0000' || (Number(birthYear) >= 1850 && Number(birthYear) <= new Date().getFullYear())
  },
  zoneinfo: isText,
  locale: isText,
  updated_at: (value) => typeof value === 'number' && value > 20 * year && value <= now(),
  email: (value) => isText(value) && String(value).includes('@'),
  email_verified: isFlag,
  phone_number: isText,
  phone_number_verified: isFlag,
  address: (value) =>
    typeof value === 'object' && value !== null && Object.keys(value).length > 0 && Object.values(value).every(isText),
}

/** OIDC Core §5.1: every claim has the right JSON type; an unset claim is omitted, not null or empty. */
function checkStandardClaims(claims: Json): void {
  for (const [name, value] of Object.entries(claims)) {
    expect([null, '', 'null'], name).not.toContain(value)
    const isValid = typeOf[name]
    if (isValid) expect(isValid(value), `${name}: ${JSON.stringify(value)}`).toBe(true)
  }
}
