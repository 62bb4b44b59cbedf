// One row per signature algorithm (src/crypto/signing-algorithms.ts), and everything that is derived from the rows.
import { describe, expect, it } from 'vitest'
import { faultOf, generateKeyMaterial } from '../../src/crypto/key-material.ts'
import {
  certificateAlgorithmOf,
  isCertificateAlgorithm,
  type JwsAlgorithm,
  jwsAlgorithms,
} from '../../src/crypto/signing-algorithms.ts'
import { signingAlgorithms } from '../../src/model/client.ts'

const names = Object.keys(jwsAlgorithms) as JwsAlgorithm[]
const families = [...new Set(names.map((alg) => jwsAlgorithms[alg].family))]

describe('the signature algorithms', () => {
  it('are those that administrators can choose', () => {
    expect(names).toEqual([...signingAlgorithms])
  })

  it.each(families)('of the family %s sign its certificates under exactly one', (family) => {
    const candidates = names.filter((alg) => jwsAlgorithms[alg].family === family && isCertificateAlgorithm(alg))
    expect(candidates).toEqual([certificateAlgorithmOf(family)])
  })

  it.each(families)('make a key of the family %s and a certificate that passes the self-test', async (family) => {
    const now = Date.UTC(2027, 0, 1)
    expect(await faultOf(await generateKeyMaterial(family, 2048, now), now)).toBeUndefined()
  })
})
