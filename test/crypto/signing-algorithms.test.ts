// One row per signature algorithm (src/crypto/signing-algorithms.ts), and everything that is derived from the rows.
import { describe, expect, it } from 'vitest'
import { generateKeyMaterial, selfTest } from '../../src/crypto/key-material.ts'
import {
  certificateAlgorithmOf,
  isCertificateAlgorithm,
  signingAlgorithms,
  signingParameters,
} from '../../src/crypto/signing-algorithms.ts'

const families = [...new Set(signingAlgorithms.map((alg) => signingParameters[alg].family))]

describe('the signature algorithms', () => {
  it.each(families)('of the family %s sign its certificates under exactly one', (family) => {
    const candidates = signingAlgorithms.filter(
      (alg) => signingParameters[alg].family === family && isCertificateAlgorithm(alg),
    )
    expect(candidates).toEqual([certificateAlgorithmOf(family)])
  })

  it.each(families)('make a key of the family %s and a certificate that passes the self-test', async (family) => {
    const now = Date.UTC(2027, 0, 1)
    expect(await selfTest(await generateKeyMaterial(family, 2048, now), now)).toBeUndefined()
  })
})
