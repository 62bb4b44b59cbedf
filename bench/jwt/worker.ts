// Signs and verifies tokens of the usual size in one isolate, with our own code and with jose. run.ts measures it from outside.
import { compactVerify, SignJWT } from 'jose'
import { importForeignKey, parseForeignJwt, verifyForeignJwt } from '../../src/crypto/foreign-jwt.ts'
import { encodeHeader, parseJws, signJws, verifyJws } from '../../src/crypto/jws.ts'
import { type SigningAlgorithm, signingParameters } from '../../src/crypto/signing-algorithms.ts'

const claims = {
  iss: 'https://id.example.com',
  sub: '3c1d5b2e-8f0a-4d6e-9b7c-1a2b3c4d5e6f',
  aud: 'https://id.example.com/resources',
  client_id: 'a-client-of-the-usual-kind',
  scope: 'openid profile email',
  jti: 'Zm9yLW1lYXN1cmVtZW50LW9ubHktMzItYnl0ZXMtbG9uZw',
  iat: 1_790_000_000,
  exp: 1_790_003_600,
}

type Operation = () => Promise<unknown>

/** Each operation signs or verifies one token; the keys are imported before. */
async function operationsOf(alg: SigningAlgorithm): Promise<Record<string, Operation>> {
  const { key, family } = signingParameters[alg]
  const rsa = { modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) }
  const pair = await crypto.subtle.generateKey(family === 'RSA' ? { ...key, ...rsa } : key, true, ['sign', 'verify'])
  const { privateKey, publicKey } = pair as CryptoKeyPair
  const jwk = (await crypto.subtle.exportKey('jwk', publicKey)) as JsonWebKey
  const foreignKey = await importForeignKey(jwk, alg)
  if (!foreignKey) throw new Error(`the ${alg} key cannot be imported`)
  const protectedHeader = { alg, typ: 'at+jwt', kid: 'AB54A98CEB1F0AD2AB54A98CEB1F0AD2AB54A98C' }
  const header = encodeHeader(protectedHeader)
  const token = await signJws(header, claims, privateKey, alg)
  const decoder = new TextDecoder()

  return {
    'sign ours': () => signJws(header, claims, privateKey, alg),
    'sign jose': () => new SignJWT(claims).setProtectedHeader(protectedHeader).sign(privateKey),
    'verify ours': async () => {
      const jws = parseJws(token)
      if (!jws || !(await verifyJws(jws, publicKey, alg))) throw new Error('a valid token was refused')
    },
    'verify jose': async () => {
      const { payload } = await compactVerify(token, publicKey, { algorithms: [alg] })
      JSON.parse(decoder.decode(payload))
    },
    'verify foreign': async () => {
      const jwt = parseForeignJwt(token)
      if (!jwt || !(await verifyForeignJwt(jwt, foreignKey, alg))) throw new Error('a valid token was refused')
    },
  }
}

const known = new Map<string, Promise<Record<string, Operation>>>()

export default {
  /** `?alg=…&operation=…&count=…` */
  async fetch(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url)
    const alg = searchParams.get('alg') as SigningAlgorithm
    const operations = await (known.get(alg) ?? known.set(alg, operationsOf(alg)).get(alg))
    const operation = operations?.[searchParams.get('operation') ?? '']
    if (!operation) return new Response('unknown operation', { status: 404 })
    for (let left = Number(searchParams.get('count')); left > 0; left -= 1) await operation()
    return new Response('done')
  },
}
