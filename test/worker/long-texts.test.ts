// F07: 50 KB that a pattern could choke on, at every place where somebody else's text is read (OWASP ReDoS). The parsers of an
// authorization request have theirs in test/protocol.
import { describe, expect, it } from 'vitest'
import { clientBody } from '../../src/admin/resources/client-fields.ts'
import { scopeName } from '../../src/admin/resources/scopes.ts'
import { userBody } from '../../src/admin/resources/user-fields.ts'
import { claimNameFault, directoryClaimFaults } from '../../src/model/directory-claims.ts'
import { loginNameFault, normaliseLoginName } from '../../src/model/login-name.ts'
import { networkOf } from '../../src/outbound/internet-address.ts'
import { parseOutboundUrl } from '../../src/outbound/outbound-url.ts'
import { safeLink, safeTarget } from '../../src/pages/links.ts'
import { chooseLocale } from '../../src/pages/locale.ts'
import { readCookie } from '../../src/request/incoming.ts'
import { clientHint } from '../../src/worker/client-hint.ts'
import { aDeployment } from '../context.ts'
import { longTexts, millisecondsOf } from '../protocol/hostile.ts'

const texts = [
  ...longTexts,
  `a${' '.repeat(50_000)}`,
  `${'a '.repeat(25_000)}\n`,
  `${'::'.repeat(25_000)}`,
  `${'en-'.repeat(16_666)}`,
  `${'x=y; '.repeat(10_000)}`,
  `Basic ${' '.repeat(50_000)}`,
  `Bearer ${'a.'.repeat(25_000)}`,
  'ﷺ'.repeat(320),
]

/** A header takes no other characters. */
const headerSafe = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, '?').trim()

const readers: [string, (text: string) => unknown][] = [
  ['Accept-Language', (text) => chooseLocale(undefined, text, 'en')],
  ['ui_locales', (text) => chooseLocale(text.split(' '), null, 'en')],
  ['a login name', (text) => normaliseLoginName(text.slice(0, 320))],
  ['a login name that is registered', (text) => loginNameFault(text)],
  ['an e-mail address', (text) => userBody.safeParse({ email: text })],
  ['a locale', (text) => userBody.safeParse({ locale: text })],
  ['a time zone', (text) => userBody.safeParse({ zoneinfo: text })],
  ['a name', (text) => userBody.safeParse({ name: text })],
  ['a subject identifier', (text) => userBody.safeParse({ sub: text })],
  ['a scope name', (text) => scopeName.safeParse(text)],
  ['a redirect URI that is registered', (text) => clientBody.safeParse({ redirect_uris: [text] })],
  ['a link', (text) => clientBody.safeParse({ tos_uri: text })],
  ['a web origin', (text) => clientBody.safeParse({ client_origins: [text] })],
  [
    'a claim',
    (text) => [claimNameFault(text), directoryClaimFaults({ birthdate: text, website: text, phone_number: text })],
  ],
  ['an address', (text) => networkOf(text)],
  ['an outbound URL', (text) => parseOutboundUrl(`https://${text}`, false)],
  ['a link on a page', (text) => [safeLink(text), safeTarget(`/${text}`)]],
]

describe('F07 50 KB takes less than 5 ms', () => {
  it.each(readers)('as %s', (_, read) => {
    for (const text of texts)
      expect(
        millisecondsOf(() => read(text)),
        text.slice(0, 20),
      ).toBeLessThan(5)
  })

  it('as a cookie or an Authorization header', async () => {
    for (const text of texts.map(headerSafe)) {
      const request = new Request('https://id.test/', { headers: { cookie: text, authorization: text } })
      expect(
        millisecondsOf(() => readCookie(request, '__Host-session')),
        text.slice(0, 20),
      ).toBeLessThan(5)
      const times: number[] = []
      for (let attempt = 0; attempt < 5; attempt += 1) {
        const start = performance.now()
        await clientHint(request, new URLSearchParams(), aDeployment().issuer)
        times.push(performance.now() - start)
      }
      expect(Math.min(...times), text.slice(0, 20)).toBeLessThan(5)
    }
  })
})
