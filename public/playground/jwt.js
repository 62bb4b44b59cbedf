// Reads a JWT and checks its signature with the keys the provider publishes (RFC 7515, RFC 7517, RFC 7518 §3).

const algorithms = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256', saltLength: 32 },
  ES256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  ES384: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  EdDSA: { name: 'Ed25519' },
}

/** Header and claims of a signed JWT; undefined when the token is anything else. Nothing is verified here. */
export function decodeJwt(token) {
  const parts = token.split('.')
  if (parts.length !== 3) return undefined
  const [header, claims, signature] = parts
  try {
    return {
      header: JSON.parse(new TextDecoder().decode(fromBase64url(header))),
      claims: JSON.parse(new TextDecoder().decode(fromBase64url(claims))),
      signedText: `${header}.${claims}`,
      signature: fromBase64url(signature),
    }
  } catch {
    return undefined
  }
}

/** Whether one of the published keys made the signature, and in words which, or why not. */
export async function verifySignature(jwt, keys) {
  const { alg, kid } = jwt.header
  const algorithm = Object.hasOwn(algorithms, alg) ? algorithms[alg] : undefined
  if (!algorithm) return { holds: false, detail: `this page cannot check alg ${alg}` }

  const key = keys.find((each) => each.kid === kid)
  if (!key) return { holds: false, detail: `the JWKS has no key with kid ${kid}` }
  if (key.alg && key.alg !== alg) return { holds: false, detail: `key ${kid} is published for ${key.alg}, not ${alg}` }

  // Members about use would refuse the import where they say more than "verify".
  const { use, key_ops, ...publicKey } = key
  try {
    const imported = await crypto.subtle.importKey('jwk', publicKey, algorithm, false, ['verify'])
    const signed = new TextEncoder().encode(jwt.signedText)
    const holds = await crypto.subtle.verify(algorithm, imported, jwt.signature, signed)
    return { holds, detail: holds ? `${alg}, key ${kid}` : `key ${kid} did not make this signature` }
  } catch (error) {
    return { holds: false, detail: `key ${kid} cannot be used: ${error.message}` }
  }
}

/** OIDC Core §3.1.3.6: what at_hash must be for a token that came with an ID token of this alg. */
export async function halfHash(text, alg) {
  const hash = alg === 'EdDSA' ? 'SHA-512' : `SHA-${alg.slice(-3)}`
  const digest = await crypto.subtle.digest(hash, new TextEncoder().encode(text))
  return toBase64url(new Uint8Array(digest, 0, digest.byteLength / 2))
}

/** RFC 7636 §4.2, method S256. */
export async function codeChallenge(verifier) {
  return toBase64url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))))
}

/** 32 random bytes, base64url: a state, a nonce, a code verifier. */
export function randomText() {
  return toBase64url(crypto.getRandomValues(new Uint8Array(32)))
}

function toBase64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

function fromBase64url(text) {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}
