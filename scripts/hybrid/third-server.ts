// A token server of another product, such as IdentityServer, that shares only the certificate with us. It reads the PFX with the vendor's SDK
// and node-forge, signs and verifies with jose, and holds one key until it reads the vault again.
import { createHash, createPrivateKey, randomUUID, X509Certificate } from 'node:crypto'
import { SecretClient } from '@azure/keyvault-secrets'
import { decodeProtectedHeader, type JWTVerifyGetKey, jwtVerify, SignJWT } from 'jose'
import forge from 'node-forge'

export interface ThirdServer {
  /** The key it signs with. */
  kid(): string
  issue(): Promise<string>
  /** Throws if the token is not valid. */
  verify(token: string): Promise<void>
  /** Number of tokens verified with the key of its own PFX instead of a published key. */
  verifiedByPfx(): number
  /** Reads the certificate again, as a restart would. */
  readVault(): Promise<void>
}

export interface Expectations {
  issuer: string
  clientId: string
  sub: string
  scope: string
}

interface Pfx {
  kid: string
  privateKey: CryptoKey
  publicKey: CryptoKey
}

export async function startThirdServer(
  vault: { url: string; name: string },
  expected: Expectations,
  published: JWTVerifyGetKey,
): Promise<ThirdServer> {
  let pfx = await readPfx(vault)
  let verifiedByPfx = 0
  return {
    kid: () => pfx.kid,
    issue: () => issue(pfx, expected),
    async verify(token) {
      const isOurs = decodeProtectedHeader(token).kid === pfx.kid
      await verifyAccessToken(token, isOurs ? () => pfx.publicKey : published, expected)
      if (isOurs) verifiedByPfx += 1
    },
    verifiedByPfx: () => verifiedByPfx,
    async readVault() {
      pfx = await readPfx(vault)
    },
  }
}

async function readPfx({ url, name }: { url: string; name: string }): Promise<Pfx> {
  const credential = {
    getToken: async () => ({ token: 'of-the-third-server', expiresOnTimestamp: Date.now() + 3_600_000 }),
  }
  const options = { allowInsecureConnection: true, disableChallengeResourceVerification: true }
  const { value = '' } = await new SecretClient(url, credential, options).getSecret(name)
  const store = forge.pkcs12.pkcs12FromAsn1(forge.asn1.fromDer(Buffer.from(value, 'base64').toString('binary')), '')
  const { certBag = '', pkcs8ShroudedKeyBag = '' } = forge.pki.oids
  const [certificate] = store.getBags({ bagType: certBag })[certBag] ?? []
  const [key] = store.getBags({ bagType: pkcs8ShroudedKeyBag })[pkcs8ShroudedKeyBag] ?? []
  if (!certificate?.cert || !key?.key) throw new Error('the PFX holds no certificate with its key')
  const x509 = new X509Certificate(derOf(forge.pki.certificateToAsn1(certificate.cert)))
  const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  const pkcs1 = { key: derOf(forge.pki.privateKeyToAsn1(key.key)), format: 'der', type: 'pkcs1' } as const
  const pkcs8 = createPrivateKey(pkcs1).export({ type: 'pkcs8', format: 'der' })
  const spki = x509.publicKey.export({ type: 'spki', format: 'der' })
  return {
    // The kid that X509SecurityKey of .NET, and so IdentityServer, derives: the thumbprint, then the algorithm.
    kid: `${createHash('sha1').update(x509.raw).digest('hex').toUpperCase()}RS256`,
    privateKey: await crypto.subtle.importKey('pkcs8', new Uint8Array(pkcs8), rsa, false, ['sign']),
    publicKey: await crypto.subtle.importKey('spki', new Uint8Array(spki), rsa, false, ['verify']),
  }
}

const derOf = (asn1: forge.asn1.Asn1): Buffer => Buffer.from(forge.asn1.toDer(asn1).getBytes(), 'binary')

function issue({ kid, privateKey }: Pfx, { issuer, clientId, sub, scope }: Expectations): Promise<string> {
  return new SignJWT({ client_id: clientId, scope: [scope] })
    .setProtectedHeader({ alg: 'RS256', kid, typ: 'at+jwt' })
    .setIssuer(issuer)
    .setAudience(`${issuer}/resources`)
    .setSubject(sub)
    .setJti(randomUUID())
    .setIssuedAt()
    .setNotBefore('0s')
    .setExpirationTime('1h')
    .sign(privateKey)
}

/** Verifies an access token as an API that trusts the shared issuer does, whichever server signed it. Throws if it is not valid. */
export async function verifyAccessToken(
  token: string,
  keys: JWTVerifyGetKey | (() => CryptoKey),
  { issuer, sub, scope }: Expectations,
): Promise<void> {
  const options = { issuer, audience: `${issuer}/resources`, typ: 'at+jwt', algorithms: ['RS256'], subject: sub }
  const { payload } = await jwtVerify(token, keys as JWTVerifyGetKey, options)
  if (!Array.isArray(payload.scope) || !payload.scope.includes(scope))
    throw new Error('scope is not an array of scopes')
}
