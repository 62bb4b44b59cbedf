// Which origins may read an answer is decided by the client on the context (DESIGN §7), and by nothing that was logged.
import { beforeAll, describe, expect, it } from 'vitest'
import type { RequestClient } from '../../src/request/context.ts'
import { crossOriginHeaders } from '../../src/worker/cross-origin.ts'
import { routes } from '../../src/worker/routes.ts'
import { aClient, aContext } from '../context.ts'
import { issuer, secret, setUp } from '../provider.ts'
import { reach } from '../watched.ts'

const origin = 'https://rp.test'
const token = routes.find(({ path }) => path === '/connect/token')
if (!token) throw new Error('there is no token endpoint')

const allowed = async (context: ReturnType<typeof aContext>): Promise<string | null> => {
  const headers = new Headers()
  await crossOriginHeaders(context, headers, token, origin)
  return headers.get('access-control-allow-origin')
}

describe('the client of a request', () => {
  it.each<RequestClient['knownBy']>(['authentication', 'authorization_request', 'access_token', 'claim'])(
    'known by %s opens the answer to its origins, whatever the log says',
    async (knownBy) => {
      const log = () => undefined
      const context = aContext({ clients: [aClient()], client: { client_id: 'web', knownBy }, log })
      context.log({ client: 'another' })
      expect(await allowed(context)).toBe(origin)
    },
  )

  it('is not read from the log: a logged client id allows no origin', async () => {
    const context = aContext({ clients: [aClient()] })
    context.log({ client: 'web' })
    expect(await allowed(context)).toBeNull()
  })
})

describe('the token endpoint', () => {
  beforeAll(setUp)

  const ask = (fields: Record<string, string>, from = origin) =>
    reach(`${issuer}/connect/token`, { method: 'POST', headers: { origin: from }, body: new URLSearchParams(fields) })

  it.each([
    ['a client that authenticated', { client_id: 'web', client_secret: secret, grant_type: 'nonsense' }, 400],
    ['a client whose secret is wrong', { client_id: 'web', client_secret: 'wrong' }, 401],
    ['a client that names itself twice over', { client_id: 'web', client_secret: secret, client_assertion: 'x' }, 400],
  ])('shows %s its error, and no other origin', async (_, fields, status) => {
    const own = await ask(fields)
    expect([own.status, own.headers.get('access-control-allow-origin')]).toEqual([status, origin])
    const other = await ask(fields, 'https://spa.test')
    expect([other.status, other.headers.get('access-control-allow-origin')]).toEqual([status, null])
  })

  it('allows no origin to read the response to an unknown client', async () => {
    const response = await ask({ client_id: 'nobody', client_secret: secret })
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([401, null])
  })
})
