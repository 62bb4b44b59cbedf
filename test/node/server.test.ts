import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aBrowser, basic, fillForm, type Provider, startProvider } from './server.ts'

describe('the browser of the tests', () => {
  it('fills the form that has the fields, keeps hidden values and decodes entities', () => {
    const html = `<form action="/search"><input name="q"></form>
      <form method="post" action="/account/login?a=1&amp;b=2">
        <input type="hidden" name="interaction" value="x&#39;y&quot;"><input name="username" value=""><input type="password" name="password">
        <input type="checkbox" name="remember" value="on"><button name="decision" value="allow">Go</button></form>`
    const form = fillForm(html, { username: 'alice', password: 'p' }, 'https://id.test/account/login')
    expect(form.action).toBe('https://id.test/account/login?a=1&b=2')
    expect(form.method).toBe('POST')
    expect(Object.fromEntries(form.body)).toEqual({ interaction: 'x\'y"', username: 'alice', password: 'p' })
  })

  it('encodes client credentials as RFC 6749 §2.3.1 requires', () => {
    expect(atob(basic('a b', 'p:q').authorization.slice(6))).toBe('a+b:p%3Aq')
  })

  it('gives every browser an address of its own', () => {
    expect(aBrowser('https://id.test').address).not.toBe(aBrowser('https://id.test').address)
  })
})

describe('a provider in workerd', () => {
  let provider: Provider
  beforeAll(async () => {
    provider = await startProvider()
  })
  afterAll(() => provider.stop())

  it('responds at its issuer', async () => {
    const response = await provider.browser().fetch(`${provider.issuer}/health`)
    expect([200, 503]).toContain(response.status)
  })
})
