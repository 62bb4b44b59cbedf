// External providers as operators keep them.
import { expect, it } from 'vitest'
import { anUpstream } from '../fakes/upstream.ts'
import { operator } from '../provider.ts'

it('creates, reads, lists and deletes a provider', async () => {
  const upstream = await anUpstream()
  const record = await operator('PUT', 'identity-providers/idp', upstream.record())
  expect(record).toMatchObject({ provider_id: 'idp', has_client_secret: true, metadata: { issuer: upstream.issuer } })
  expect(await operator('GET', 'identity-providers/idp')).toEqual(record)
  expect(await operator('GET', 'identity-providers')).toEqual({ items: [record], next: null })
  await operator('DELETE', 'identity-providers/idp')
  expect(await operator('GET', 'identity-providers')).toEqual({ items: [], next: null })
})
