// The signature algorithms accepted on JWTs of clients and external providers (RFC 7518 §3, RFC 8037 §3.1, RFC 9864 §2.2), with their key types.
// The algorithms this provider signs with are another list: signing-algorithms.ts. HMAC and `none` are in neither (RFC 8725 §3.1, §3.2).

interface KeyRequirement {
  kty: 'RSA' | 'EC' | 'OKP'
  crv?: string
}

const rows = {
  RS256: { kty: 'RSA' },
  RS384: { kty: 'RSA' },
  RS512: { kty: 'RSA' },
  PS256: { kty: 'RSA' },
  PS384: { kty: 'RSA' },
  PS512: { kty: 'RSA' },
  ES256: { kty: 'EC', crv: 'P-256' },
  ES384: { kty: 'EC', crv: 'P-384' },
  ES512: { kty: 'EC', crv: 'P-521' },
  // RFC 9864 §2.2: the older name EdDSA leaves the curve to the key. Ed448 is not accepted, since Web Crypto in workerd lacks it.
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
  Ed25519: { kty: 'OKP', crv: 'Ed25519' },
} as const satisfies Record<string, KeyRequirement>

export type AcceptedAlgorithm = keyof typeof rows
export const acceptedAlgorithms = Object.keys(rows) as AcceptedAlgorithm[]

export const keyRequirements: Readonly<Record<AcceptedAlgorithm, KeyRequirement>> = rows

export const isAcceptedAlgorithm = (name: unknown): name is AcceptedAlgorithm =>
  typeof name === 'string' && Object.hasOwn(rows, name)
