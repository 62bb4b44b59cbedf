// The one list of grant types (src/model/grant-type.ts) and everything that reads it.
import { beforeAll, describe, expect, it } from 'vitest'
import { clientBody } from '../../../../src/admin/resources/client-fields.ts'
import { grantHandlers } from '../../../../src/endpoints/token/grant-types/grant-types.ts'
import { grantTypes } from '../../../../src/model/grant-type.ts'
import { issuer, reach, setUp } from '../../../provider.ts'

beforeAll(setUp)

const registered = Object.keys(grantHandlers)

describe('the registry, discovery and the admin schema name the same grant types', () => {
  it('registers a handler for every grant type of the list', () => {
    expect(registered).toEqual([...grantTypes])
  })

  it('lists them in discovery (RFC 8414 §2)', async () => {
    const response = await reach(`${issuer}/.well-known/openid-configuration`)
    expect(await response.json()).toMatchObject({ grant_types_supported: registered })
  })

  it('lets a client have each of them, all of them, and no other', () => {
    const accepts = (grant_types: string[]) => clientBody.safeParse({ grant_types }).success
    expect(registered.filter((name) => !accepts([name]))).toEqual([])
    expect(accepts(registered)).toBe(true)
    expect(accepts(['password'])).toBe(false)
  })
})
