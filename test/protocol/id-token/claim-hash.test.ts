// at_hash, c_hash and s_hash against published examples.
import { describe, expect, it } from 'vitest'
import { claimHash } from '../../../src/protocol/id-token/claim-hash.ts'

describe('the hash claims of an ID token', () => {
  it.each([
    ['at_hash of OIDC Core A.3', 'jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y', '77QmUPtjPfzWtF2AnpK9RQ'],
    ['c_hash of OIDC Core A.4', 'Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk', 'LDktKdoQak3Pk0cnXxCltA'],
    ['s_hash of the example state af0ifjsldkj', 'af0ifjsldkj', 'bOhtX8F73IMjSPeVAqxyTQ'],
  ])('equal the published %s', async (_, text, hash) => {
    expect(await claimHash(text, 'RS256')).toBe(hash)
  })

  it.each([
    [['RS256', 'PS256', 'ES256'], 'wfgvmE9VxjAudsl9lc6TqA'],
    [['RS384', 'PS384', 'ES384'], 'phZaPQJosyg-qi-OIYyQ3xJB9wsHYEEz'],
    [['RS512', 'PS512', 'ES512', 'EdDSA', 'Ed25519'], '8xltSlOGYrWy8W9yNvRlEth1i_bXW-JROWPLvCv5zog'],
  ])('of %s are the left half of that hash (OIDC Core §3.1.3.6)', async (algs, hash) => {
    const hashes = await Promise.all(algs.map((alg) => claimHash('dNZX1hEZ9wBCzNL40Upu646bdzQA', alg)))
    expect(hashes).toEqual(algs.map(() => hash))
  })

  it.each(['none', 'ES256K', 'RS1', 'XRS256', 'RS2560'])('do not exist for alg %s', async (alg) => {
    await expect(claimHash('x', alg)).rejects.toThrow(alg)
  })
})
