// The signature algorithms this provider signs its own tokens with (RFC 7518 §3, RFC 8037 §3.1), as Web Crypto names them.
// What it accepts from others is another list: accepted-algorithms.ts.

export type JwsAlgorithm = 'RS256' | 'PS256' | 'ES256' | 'ES384' | 'EdDSA'

/** What shares one key, and so one certificate: RS256 and PS256 do. */
export type KeyFamily = 'RSA' | 'P-256' | 'P-384' | 'Ed25519'

interface AlgorithmParameters {
  family: KeyFamily
  /** For importKey and, but for RSA, generateKey. */
  key: { name: string; hash?: string; namedCurve?: string }
  /** For sign and verify. */
  signature: { name: string; hash?: string; saltLength?: number }
  /** Bytes; absent for RSA: as many as the modulus has. */
  signatureLength?: number
}

export const jwsAlgorithms: Readonly<Record<JwsAlgorithm, AlgorithmParameters>> = {
  RS256: {
    family: 'RSA',
    key: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
    signature: { name: 'RSASSA-PKCS1-v1_5' },
  },
  PS256: {
    family: 'RSA',
    key: { name: 'RSA-PSS', hash: 'SHA-256' },
    signature: { name: 'RSA-PSS', saltLength: 32 },
  },
  ES256: {
    family: 'P-256',
    key: { name: 'ECDSA', namedCurve: 'P-256' },
    signature: { name: 'ECDSA', hash: 'SHA-256' },
    signatureLength: 64,
  },
  ES384: {
    family: 'P-384',
    key: { name: 'ECDSA', namedCurve: 'P-384' },
    signature: { name: 'ECDSA', hash: 'SHA-384' },
    signatureLength: 96,
  },
  EdDSA: { family: 'Ed25519', key: { name: 'Ed25519' }, signature: { name: 'Ed25519' }, signatureLength: 64 },
}

export const isJwsAlgorithm = (name: unknown): name is JwsAlgorithm =>
  typeof name === 'string' && Object.hasOwn(jwsAlgorithms, name)
