import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  matchesRedirectUri,
  originFault,
  redirectUriFault,
  webUriFault,
} from '../../../src/protocol/authorization-request/redirect-uri.ts'
import { longTexts, millisecondsOf } from '../hostile.ts'

describe('a redirect URI may be registered', () => {
  it.each([
    'https://rp.test/cb',
    'https://rp.test:8443/cb?tenant=1',
    'https://RP.test/cb',
    'https://rp.test:443/cb',
    'http://127.0.0.1/cb',
    'http://127.0.0.1:49152/cb',
    'http://localhost:5000/',
    'http://[::1]:7777/cb',
    'com.example.app:/cb',
    'com.example.app://cb',
  ])('%s', (uri) => {
    expect(redirectUriFault(uri)).toBeUndefined()
  })
})

describe('A05 A06 a redirect URI is refused', () => {
  it.each([
    ['javascript:alert(1)', /https/],
    ['JaVaScRiPt:alert(1)//https://rp.test', /https/],
    ['\u0001javascript:alert(1)', /ASCII/],
    [' https://rp.test/cb', /blanks/],
    ['https://rp.test/cb ', /blanks/],
    ['https://rp.test/\tcb', /blanks/],
    ['https://rp.test/\r\ncb', /blanks/],
    ['https://rp.test/\0', /ASCII/],
    ['https://bücher.test/', /ASCII/],
    ['data:text/html,x', /https/],
    ['blob:https://rp.test/1', /https/],
    ['vbscript:x', /https/],
    ['file:///etc/passwd', /https/],
    ['ftp://rp.test/', /https/],
    ['myapp:/cb', /dot/],
    ['about:blank', /https/],
    ['http://rp.test/cb', /plain http/],
    ['http://127.0.0.1.evil.test/cb', /plain http/],
    ['http://localhost.evil.test/cb', /plain http/],
    ['http://0x7f.1/cb', /usual form/],
    ['http://2130706433/cb', /usual form/],
    ['https:rp.test/cb', /usual form/],
    ['https:///rp.test/cb', /usual form/],
    ['https:\\\\rp.test\\cb', /backslash/],
    ['https://rp.test/cb#f', /fragment/],
    ['https://rp.test/cb#', /fragment/],
    ['https://user:pw@rp.test/cb', /user name/],
    ['https://', /absolute/],
    ['/cb', /absolute/],
    ['', /ASCII/],
    [`https://rp.test/${'a'.repeat(2000)}`, /2000/],
  ])('%j', (uri, reason) => {
    expect(redirectUriFault(uri)).toMatch(reason)
  })
})

describe('A06 matching', () => {
  it.each([
    ['https://rp.test/cb', 'https://rp.test/cb', true],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:49152/cb', true],
    ['http://127.0.0.1:5000/cb', 'http://127.0.0.1:5001/cb', true],
    ['http://[::1]/cb', 'http://[::1]:1/cb', true],
    ['http://localhost:5000/', 'http://localhost:5001/', false],
    ['http://127.0.0.1/cb', 'http://127.0.0.1.evil.test/cb', false],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:80@evil.test/cb', false],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:49152/cb2', false],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:49152/cb?x=1', false],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:49152/cb\n', false],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:999999/cb', false],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:65535/cb', true],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:65536/cb', false],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:99999/cb', false],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:/cb', false],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:-1/cb', false],
    ['http://127.0.0.1/cb', 'http://127.0.0.2:80/cb', false],
    ['http://127.0.0.1/cb', 'http://[::1]:80/cb', false],
    ['http://127.0.0.1/cb', 'HTTP://127.0.0.1:80/cb', false],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:80/cb#f', false],
    ['http://127.0.0.1/cb', 'http://x@127.0.0.1:80/cb', false],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:80\\@evil.test/cb', false],
    ['http://127.0.0.1/cb', 'https://127.0.0.1:49152/cb', false],
    ['http://127.0.0.1/cb', 'http://localhost:49152/cb', false],
    ['http://localhost/cb', 'http://localhost.evil.test/cb', false],
    ['https://rp.test/cb', 'https://rp.test:443/cb', false],
    ['https://rp.test/cb', 'https://rp.test/cb/', false],
    ['https://rp.test/cb', 'https://RP.TEST/cb', false],
  ])('registered %s, requested %j: %s', (registered, requested, matches) => {
    expect(matchesRedirectUri(registered, requested)).toBe(matches)
  })
})

describe('any untrusted URI', () => {
  const registered = fc.constantFrom(
    'https://rp.test/cb',
    'http://127.0.0.1/cb',
    'http://[::1]/',
    'com.example.app:/cb',
  )
  const piece = fc.constantFrom(
    ...['https://rp.test', 'http://127.0.0.1', 'http://[::1]', '/cb', '/', ':80', ':65536', '@', '#', '?', '.', '..'],
    ...['\\', '\t', '\r\n', '\0', ' ', '%2f', '%00', 'evil.test', 'RP.TEST', 'com.example.app:', 'javascript:', '//'],
  )
  const requested = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.webUrl(),
    fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join('')),
    fc.integer({ min: 0, max: 99_999 }).map((port) => `http://127.0.0.1:${port}/cb`),
  )

  it('A03 matches only byte for byte, except for the port of a loopback address', () => {
    fc.assert(
      fc.property(registered, requested, (ours, theirs) => {
        if (!matchesRedirectUri(ours, theirs) || ours === theirs) return
        const [left, right] = [new URL(ours), new URL(theirs)]
        expect(['127.0.0.1', '[::1]']).toContain(right.hostname)
        right.port = left.port
        expect(right.href).toBe(left.href)
        expect(theirs.replace(/:\d+/, '')).toBe(ours.replace(/:\d+(?=\/)/, ''))
      }),
      { numRuns: 1000 },
    )
  })

  it('A05 may be registered only as https, loopback http or a private-use scheme', () => {
    fc.assert(
      fc.property(requested, (uri) => {
        if (redirectUriFault(uri)) return
        const { protocol, hostname } = new URL(uri)
        const isLoopback = ['localhost', '[::1]'].includes(hostname) || /^127\.[\d.]+$/.test(hostname)
        expect(protocol === 'https:' || (protocol === 'http:' && isLoopback) || protocol.includes('.')).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })

  it.each(longTexts.map((text) => [text.slice(0, 20), text]))('F07 is checked in 5 ms with 50 KB of %j', (_, text) => {
    for (const uri of [text, `https://rp.test/${text}`, `com.example.${text}:/cb`]) {
      expect(millisecondsOf(() => matchesRedirectUri('http://127.0.0.1/cb', uri))).toBeLessThan(5)
      expect(millisecondsOf(() => redirectUriFault(uri))).toBeLessThan(5)
      expect(millisecondsOf(() => originFault(uri))).toBeLessThan(5)
    }
  })
})

describe('links and origins', () => {
  it('D05 links must be web addresses', () => {
    expect(webUriFault('https://rp.test/logo.png')).toBeUndefined()
    expect(webUriFault('http://localhost:3000/logo.png')).toBeUndefined()
    expect(webUriFault('javascript:alert(1)')).toMatch(/https/)
    expect(webUriFault('com.example.app:/logo')).toMatch(/https/)
    expect(webUriFault('http://rp.test/logo.png')).toMatch(/plain http/)
  })

  it('origins must be exact', () => {
    expect(originFault('https://rp.test')).toBeUndefined()
    expect(originFault('http://localhost:3000')).toBeUndefined()
    for (const origin of ['https://rp.test/', 'https://RP.test', 'https://rp.test:443', 'null', '*', 'rp.test']) {
      expect(originFault(origin), origin).toMatch(/exact origin/)
    }
    expect(originFault('http://rp.test')).toMatch(/plain http/)
  })
})
