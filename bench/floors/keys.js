// Keys of the floors, generated at the first request, and a signed token of the usual size.
const algorithms = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
  ES256: { name: 'ECDSA', hash: 'SHA-256', namedCurve: 'P-256' },
}

let keys
let serial = 0

export async function keysOf(alg) {
  const algorithm = algorithms[alg]
  if (!keys) {
    const pair = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
    keys ??= { ...pair, algorithm }
  }
  return keys
}

const encoder = new TextEncoder()
const claims = {
  iss: 'http://127.0.0.1:8787',
  aud: 'http://127.0.0.1:8787/resources',
  client_id: 'client',
  scope: 'openid profile',
}

export async function signedToken(privateKey, algorithm) {
  const payload = { ...claims, sub: 'x'.repeat(36), jti: 'y'.repeat(86), iat: 1, exp: 3601, serial: serial++ }
  const header = { alg: 'RS256', typ: 'at+jwt', kid: 'A'.repeat(45) }
  const input = [header, payload].map((part) => encoder.encode(JSON.stringify(part)).toBase64(base64url)).join('.')
  const signature = await crypto.subtle.sign(algorithm, privateKey, encoder.encode(input))
  return `${input}.${new Uint8Array(signature).toBase64(base64url)}`
}

export const base64url = { alphabet: 'base64url', omitPadding: true }
