// Paths are exact: whatever looks like one is another (SECURITY-CASES A32, A29).
import { beforeAll, describe, expect, it } from 'vitest'
import type { Route } from '../../src/request/route.ts'
import { publicRoutes } from '../../src/worker/routes.ts'
import { issuer, operatorToken, setUp } from '../provider.ts'
import { lines, loggingEnv, reach, watched } from '../watched.ts'

/** By path: the rows without a parameter that are served with and without PLAYGROUND. */
const routes = new Map<string, Route>(
  publicRoutes.flatMap((row) => (/[:*]/.test(row.path) || row.isServed ? [] : [[row.path, row] as const])),
)

beforeAll(setUp)

const asOperator = { headers: { authorization: `Bearer ${operatorToken}` } }

describe('A32 the administration API', () => {
  it.each([
    '/admin/api/users',
    '/connect/%2e%2e/admin/api/users',
    '/connect/authorize/%2e%2e/%2e%2e/admin/api/users',
    '/./admin/api/users',
    '/admin/./api/users',
    '/admin/api/users/',
    '/admin/api//users',
    '/admin/api/nope',
    '/admin/api/users%2fada',
    '/admin/api/users;x',
    '/admin/api/',
    '/admin/api/%2e%2e/health',
    '\\admin\\api\\users',
  ])('%s asks for the operator token, whatever there is behind it', async (path) => {
    const response = await reach(issuer + path)
    const isGuarded = new URL(issuer + path).pathname.startsWith('/admin/api/')
    expect(response.status).toBe(isGuarded ? 401 : 404)
    expect(await response.text()).not.toContain('user_id')
  })

  it.each([
    '/admin;x',
    '/admin/api;x/users',
    '//admin/api/users',
    '///admin/api/users',
    '/ADMIN/api/users',
    '/admin/API/users',
    '/Admin/Api/Users',
    '/admin%2fapi%2fusers',
    '/admin/api%2fusers',
    '/%61dmin/api/users',
    '/admin/api',
    '/admin /api/users',
    '/admin%00/api/users',
    '/admin/api.json',
    '/adm%69n/api/users',
    '/аdmin/api/users',
    '/connect/authorize/admin/api/users',
  ])('%s is no other way in, with the token or without', async (path) => {
    for (const init of [{}, asOperator]) {
      const response = await reach(issuer + path, init)
      expect(response.status).toBe(404)
      expect(await response.text()).not.toContain('user_id')
    }
  })

  it('is 404 throughout when there is no operator token', async () => {
    const without = watched({ ...loggingEnv, OPERATOR_TOKEN: '' })
    for (const path of ['users', 'clients/web', 'nope', 'settings']) {
      for (const init of [{}, asOperator, { headers: { authorization: 'Bearer ' } }]) {
        expect((await without(`${issuer}/admin/api/${path}`, init)).status).toBe(404)
      }
    }
  })
})

describe('A32 every other route', () => {
  const variants = (path: string) => [
    `${path}/`,
    `/${path}`,
    `${path};x`,
    `${path}%20`,
    `${path}%00`,
    `${path}.`,
    `${path}/x`,
    `${path}/..;/`,
    path.toUpperCase(),
    path.replace(/(?<=.)\/(?=[^/]*$)/, '%2f'),
  ]

  it.each([...routes.keys()].filter((path) => path !== '/'))('%s has one spelling', async (path) => {
    for (const variant of variants(path)) {
      if (routes.has(new URL(issuer + variant).pathname)) continue
      const response = await reach(issuer + variant)
      expect([variant, response.status]).toEqual([variant, 404])
    }
  })

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('/%s is not found', async (name) => {
    for (const path of [`/${name}`, `/connect/${name}`, name === '__proto__' ? '/__proto__/get' : `/${name}/${name}`]) {
      expect((await reach(issuer + path)).status).toBe(404)
    }
  })

  it('an unknown address is logged without its path, which may contain a secret', async () => {
    const before = lines.length
    await reach(`${issuer}/secret-in-a-path?token=secret-in-a-query`)
    expect(lines.slice(before).join()).not.toMatch(/secret-in/)
    expect(lines.slice(before).join()).toContain('(other)')
  })
})

describe('A29 methods', () => {
  it.each([...routes])('%s accepts its own methods and refuses others with Allow', async (path, route) => {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE']) {
      if (method in route.handlers) continue
      const response = await reach(issuer + path, { method })
      expect([method, response.status]).toEqual([method, 405])
      expect(response.headers.get('allow')).toBe(Object.keys(route.handlers).join(', '))
    }
  })

  it.each([...routes])('%s answers a preflight only if its row allows other origins', async (path, route) => {
    const headers = { origin: 'https://evil.test', 'access-control-request-method': 'POST' }
    const response = await reach(issuer + path, { method: 'OPTIONS', headers })
    const allowed = response.headers.get('access-control-allow-origin')
    expect(response.headers.has('access-control-allow-credentials')).toBe(false)
    if (route.crossOrigin === 'none') expect([response.status, allowed]).toEqual([405, null])
    else expect(response.status).toBe(204)
    const opaque = await reach(issuer + path, { method: 'OPTIONS', headers: { ...headers, origin: 'null' } })
    expect(opaque.headers.get('access-control-allow-origin')).toBe(route.crossOrigin === 'public' ? '*' : null)
  })
})

describe('parameters of a path', () => {
  it.each(['', 'Corp', 'co%72p', 'corp%2f', 'corp/', 'corp/x', '/corp', 'local', '-corp', 'corp;x', 'corp%00'])(
    'the id of a provider has one spelling: %j is another address',
    async (id) => {
      for (const [method, path] of [
        ['GET', '/external/callback/'],
        ['POST', '/external/backchannel-logout/'],
      ] as const) {
        expect((await reach(issuer + path + id, { method })).status).toBe(404)
      }
    },
  )

  it('of a provider: takes its own methods and no other', async () => {
    const callback = await reach(`${issuer}/external/callback/corp`, { method: 'PUT' })
    expect([callback.status, callback.headers.get('allow')]).toEqual([405, 'GET, POST'])
    const logout = await reach(`${issuer}/external/backchannel-logout/corp`)
    expect([logout.status, logout.headers.get('allow')]).toEqual([405, 'POST'])
  })

  const ask = (path: string, method = 'GET') => reach(`${issuer}/admin/api/${path}`, { ...asOperator, method })
  const titleOf = async (response: Response) => ((await response.json()) as { title: string }).title

  it('of the administration API: is decoded once', async () => {
    const user_id = async (path: string) => ((await (await ask(path)).json()) as { user_id?: string }).user_id
    expect(await user_id('users/ada')).toBe('ada')
    expect(await user_id('users/%61da')).toBe('ada')
    expect((await ask('users/%2561da')).status).toBe(404)
    expect(await titleOf(await ask('users/ada%2fpassword'))).toBe('There is no such record')
  })

  it('of the administration API: is refused when its encoding is broken', async () => {
    for (const segment of ['%', '%zz', '%ff', 'ada%e0%a4']) {
      const response = await ask(`users/${segment}`)
      expect([segment, response.status, await titleOf(response)]).toEqual([
        segment,
        400,
        'The path is not well encoded',
      ])
    }
  })

  it('of the administration API: is never empty, and 405 lists the methods', async () => {
    expect(await titleOf(await ask('users//password'))).toBe('There is no such resource')
    const response = await ask('users/ada', 'POST')
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, PUT, DELETE'])
  })
})

describe('development', () => {
  const methods = ['GET', 'HEAD', 'POST', 'PUT']

  it('the playground answers 404 unless it is switched on', async () => {
    for (const path of ['/playground', '/playground/', '/playground/playground.js']) {
      for (const method of methods) expect((await reach(issuer + path, { method })).status).toBe(404)
    }
  })

  it('switched on, the playground accepts GET only', async () => {
    const inDevelopment = watched({ ...loggingEnv, PLAYGROUND: 'on' })
    for (const method of methods.slice(1)) {
      const response = await inDevelopment(`${issuer}/playground/`, { method })
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET'])
    }
  })

  it('a path below the playground is logged as its pattern, since it may contain a secret', async () => {
    const inDevelopment = watched({ ...loggingEnv, PLAYGROUND: 'on' })
    const before = lines.length
    await inDevelopment(`${issuer}/playground/secret-in-a-path`, { method: 'POST' })
    expect(lines.slice(before).join()).not.toMatch(/secret-in/)
    expect(lines.slice(before).join()).toContain('"/playground/*"')
  })
})
