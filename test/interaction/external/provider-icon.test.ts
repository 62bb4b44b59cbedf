// D05, D06: what an operator writes on a provider's button is text, and its icon an image that cannot run.
import { beforeAll, beforeEach, expect, it } from 'vitest'
import { answerForUpstreams, anUpstream } from '../../fakes/upstream.ts'
import { authorizeUrl, browser, issuer, operator, reach, setUp } from '../../provider.ts'

const drawing = '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0h9v9z"/></svg>'
const xss = '<img src=x onerror=1>'

beforeAll(async () => {
  await setUp()
  const upstream = await anUpstream()
  const texts = { name: xss, sign_in_text: `${xss} in`, sign_out_text: `${xss} out` }
  const sign_in_icon = `data:image/svg+xml;base64,${btoa(drawing)}`
  await operator('PUT', 'identity-providers/idp', upstream.record({ ...texts, sign_in_icon }))
  await operator('PUT', 'identity-providers/off', upstream.record({ sign_in_icon, enabled: false }))
})
beforeEach(() => answerForUpstreams())

const icon = (query: string, init?: RequestInit) => reach(`${issuer}/external/icon?${query}`, init)

it('D06 an icon is served as an image without rights', async () => {
  const response = await icon('provider=idp&for=sign-in&v=abc')
  expect(response.status).toBe(200)
  expect(await response.text()).toBe(drawing)
  const { headers } = response
  expect(headers.get('content-type')).toBe('image/svg+xml')
  expect(headers.get('content-security-policy')).toBe("sandbox; default-src 'none'; style-src 'unsafe-inline'")
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
  expect(headers.get('cache-control')).toBe('public, max-age=86400')
  expect(headers.has('set-cookie') || headers.has('access-control-allow-origin')).toBe(false)
  const head = await icon('provider=idp&for=sign-in', { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([200, ''])
})

it.each([
  'provider=idp&for=sign-out',
  'provider=off&for=sign-in',
  'provider=none&for=sign-in',
  'provider=idp&for=constructor',
  'provider=idp',
  '',
])('there is none at %s', async (query) => {
  expect((await icon(query)).status).toBe(404)
})

it('D05 D06 the login page escapes name and text, and has the icon as <img> from its own address', async () => {
  const { html } = await browser().open(authorizeUrl())
  expect(html).not.toContain(xss)
  expect(html).toContain('&lt;img src=x onerror=1')
  expect(html).not.toContain(btoa(drawing).slice(0, 40))
  expect(html).toMatch(/<img[^>]* src="[^"]*\/external\/icon\?provider=idp&amp;for=sign-in&amp;v=\w+"/)
})
