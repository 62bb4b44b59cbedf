// The algorithms this provider signs its own tokens with (RFC 7518 §3, RFC 8037 §3.1). One row holds all facts about an algorithm, and a new
// algorithm is one row. The algorithms accepted from clients and external providers are another list: accepted-algorithms.ts.

interface AlgorithmParameters {
  /** Algorithms of one family share a key and its certificate, as RS256 and PS256 do. Named by its curve, if it has one. */
  family: string
  /** For importKey and, except for RSA, generateKey. */
  key: { name: string; hash?: string; namedCurve?: string }
  /** For sign and verify. */
  signature: { name: string; hash?: string; saltLength?: number }
  /** Bytes. Absent for RSA, where the modulus determines it. */
  signatureLength?: number
  /** Signature algorithm of a self-signed certificate (RFC 5280 §4.1.1.2). Exactly one algorithm of each family has it. */
  certificateOid?: string
}

const rows = {
  RS256: {
    family: 'RSA',
    key: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
    signature: { name: 'RSASSA-PKCS1-v1_5' },
    certificateOid: '1.2.840.113549.1.1.11',
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
    certificateOid: '1.2.840.10045.4.3.2',
  },
  ES384: {
    family: 'P-384',
    key: { name: 'ECDSA', namedCurve: 'P-384' },
    signature: { name: 'ECDSA', hash: 'SHA-384' },
    signatureLength: 96,
    certificateOid: '1.2.840.10045.4.3.3',
  },
  EdDSA: {
    family: 'Ed25519',
    key: { name: 'Ed25519' },
    signature: { name: 'Ed25519' },
    signatureLength: 64,
    certificateOid: '1.3.101.112',
  },
} as const satisfies Record<string, AlgorithmParameters>

export type SigningAlgorithm = keyof typeof rows
export const signingAlgorithms = Object.keys(rows) as SigningAlgorithm[]
export type KeyFamily = (typeof rows)[SigningAlgorithm]['family']

/** The algorithms that sign certificates: not PS256, which shares the certificate of RS256. */
export type CertificateAlgorithm = {
  [Alg in SigningAlgorithm]: (typeof rows)[Alg] extends { certificateOid: string } ? Alg : never
}[SigningAlgorithm]

export const signingParameters: Readonly<Record<SigningAlgorithm, AlgorithmParameters & { family: KeyFamily }>> = rows

export const isSigningAlgorithm = (name: unknown): name is SigningAlgorithm =>
  typeof name === 'string' && Object.hasOwn(signingParameters, name)

export const isCertificateAlgorithm = (name: unknown): name is CertificateAlgorithm =>
  isSigningAlgorithm(name) && 'certificateOid' in rows[name]

export const isKeyFamily = (name: unknown): name is KeyFamily =>
  Object.values(rows).some(({ family }) => family === name)

/** The algorithm that signs the self-signed certificates of a family. */
export function certificateAlgorithmOf(family: KeyFamily): CertificateAlgorithm {
  const alg = signingAlgorithms.filter(isCertificateAlgorithm).find((each) => rows[each].family === family)
  if (!alg) throw new Error(`no algorithm signs certificates of the family ${family}`)
  return alg
}

export const certificateOidOf = (alg: CertificateAlgorithm): string => rows[alg].certificateOid
