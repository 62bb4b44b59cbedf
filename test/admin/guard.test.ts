import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { adminRoutes } from '../../src/admin/table.ts'
import { ask, send } from './context.ts'

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const right = bearer(env.OPERATOR_TOKEN)
const lineOf = (route: { method: string; path: string }) => `${route.method} ${route.path.replaceAll(/\{\w+\}/g, 'x')}`

describe('D01 every route', () => {
  it.each(adminRoutes.map(lineOf))('%s is refused without the operator token', async (line) => {
    expect((await send(line, {}, { operatorToken: undefined })).status).toBe(404)
    // Each route is guessed at from addresses of its own: too many guesses are counted apart.
    const { status, headers } = await send(line, {}, { address: `none ${line}` })
    expect(status).toBe(401)
    expect(headers.get('www-authenticate')).toBe('Bearer')
    for (const token of ['', 'x', env.OPERATOR_TOKEN.slice(1), `${env.OPERATOR_TOKEN}x`, `${env.OPERATOR_TOKEN} x`]) {
      const answer = await send(line, { headers: bearer(token) }, { address: `token ${line} ${token}` })
      expect(answer.status, token).toBe(401)
    }
    const basic = { authorization: `Basic ${env.OPERATOR_TOKEN}` }
    expect((await send(line, { headers: basic }, { address: `basic ${line}` })).status).toBe(401)
  })

  it.each(adminRoutes.map(lineOf))('D04 %s is refused from another site, with no CORS header', async (line) => {
    for (const site of ['cross-site', 'same-site']) {
      const { status, headers } = await send(line, { headers: { ...right, 'sec-fetch-site': site } })
      expect(status).toBe(403)
      expect(headers.has('access-control-allow-origin')).toBe(false)
    }
  })
})

it('wrong tokens from one address are answered 429 in the end, the right one never', async () => {
  const statuses = new Set<number>()
  for (let guess = 0; guess < 120; guess++) {
    statuses.add((await send('GET tenants', { headers: bearer(`guess-${guess}`) }, { address: '192.0.2.77' })).status)
  }
  expect([...statuses]).toEqual([401, 429])
  expect((await send('GET tenants', { headers: right }, { address: '192.0.2.77' })).status).toBe(200)
  expect((await send('GET tenants', { headers: bearer('wrong') }, { address: '192.0.2.78' })).status).toBe(401)
})

it('A29 an unknown path is 404, another method 405 with Allow; preflights get nothing', async () => {
  expect((await ask('GET nothing')).status).toBe(404)
  expect((await ask('GET tenants/a/b')).status).toBe(404)
  expect((await ask('GET tenants/')).status).toBe(404)
  expect((await ask('GET tenants/%zz')).status).toBe(400)
  const { status, headers } = await ask('POST tenants/a')
  expect(status).toBe(405)
  expect(headers.get('allow')).toBe('GET, PUT, DELETE')
  expect((await send('OPTIONS tenants', { headers: { origin: 'https://evil.test' } })).status).toBe(401)
})

describe('a body', () => {
  it('D04 is application/json', async () => {
    const body = JSON.stringify({ name: 'A' })
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', '']) {
      const answer = await send('PUT tenants/a', { body, headers: { ...right, 'content-type': type } })
      expect(answer.status, type).toBe(415)
    }
    const type = 'application/JSON; charset=utf-8'
    expect((await send('PUT tenants/a', { body, headers: { ...right, 'content-type': type } })).status).toBe(201)
  })

  it('T30 has at most 64 KB', async () => {
    expect((await ask('PUT tenants/a', { name: 'x'.repeat(65_536) })).status).toBe(413)
  })

  it('is JSON of the right shape, and every fault is named', async () => {
    expect((await ask('PUT tenants/a', '{')).body.title).toBe('The body is not JSON')
    expect((await ask('PUT tenants/a', '[]')).body.fields).toEqual({ '.': 'must be an object' })
    expect((await ask('PUT tenants/a', { name: 1, colour: 'red' })).body.fields).toEqual({
      name: 'must be a string',
      colour: 'is not a known field',
    })
    expect((await ask('PUT tenants/a', { name: '' })).body.fields).toEqual({ name: 'must not be empty' })
    expect((await ask('PUT tenants/a', { name: 'a\r\nb' })).body.fields.name).toMatch(/control/)
    expect((await ask('PUT tenants/%0Aa', {})).body.fields.tenant_id).toMatch(/ASCII/)
  })
})

it('F01 a database that does not answer is 503 with Retry-After', async () => {
  const DB = {
    withSession: () => ({ prepare: () => ({ bind: () => ({ raw: () => Promise.reject(new Error('down')) }) }) }),
  }
  const { status, headers } = await ask('GET tenants', undefined, { env: { DB: DB as unknown as D1Database } })
  expect(status).toBe(503)
  expect(headers.get('retry-after')).toBe('2')
})
