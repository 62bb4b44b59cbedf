// The table of checks as a whole: it is complete, has no duplicates, and each row cites its section.
import { expect, expectTypeOf, it } from 'vitest'
import { checks, type KnownAfter } from '../../../src/protocol/authorization-request/checks.ts'
import * as client from '../../../src/protocol/authorization-request/client.ts'
import type { Received, WithProvider } from '../../../src/protocol/authorization-request/known.ts'
import { checkRedirectUri, parseRedirectUri } from '../../../src/protocol/authorization-request/redirect-uri.ts'
import { parseResponseMode } from '../../../src/protocol/authorization-request/response-mode.ts'
import { checkResponseType } from '../../../src/protocol/authorization-request/response-type.ts'
import { parseState } from '../../../src/protocol/authorization-request/state.ts'

declare global {
  interface ImportMeta {
    glob(pattern: string, options: { eager: true }): Record<string, Record<string, unknown>>
  }
}

const names = (rows: readonly { check: { name: string } }[]) => rows.map(({ check }) => check.name)

it('runs these checks in this order', () => {
  expect(names(checks)).toEqual([
    ...['parseClientId', 'checkClient', 'checkGrantType'],
    ...['parseRedirectUri', 'parseResponseMode', 'parseState', 'checkRedirectUri'],
    ...['refuseRequest', 'refuseRequestUri', 'refuseRegistration', 'checkResponseType', 'checkResponseMode'],
    ...['parseRequestedScope', 'grantScope', 'parseNonce', 'parseCodeChallenge', 'requireCodeChallenge'],
    ...['parsePrompt', 'parseMaxAge', 'parseLoginHint', 'parseUiLocales', 'parseAcrValues', 'chooseIdp'],
    ...['parseDomainHint', 'parseRequestedClaims', 'grantClaims', 'checkIdTokenHint'],
  ])
})

it('lists each check once with its section, and the authorization endpoint runs all of them', () => {
  expect(new Set(names(checks)).size).toBe(checks.length)
  for (const { section } of checks) expect(section).toMatch(/^(RFC \d{4}|OIDC Core|OAuth 2\.0 [\w ]+) §/)
  expect(checks.every((row) => row.authorize)).toBe(true)
})

it('lists every check that a file of the folder exports', () => {
  const files = import.meta.glob('../../../src/protocol/authorization-request/*.ts', { eager: true })
  const others = ['parseScope', 'parseClaimsRequest']
  const exported = Object.values(files)
    .flatMap((file) => Object.entries(file))
    .filter(
      ([name, value]) => typeof value === 'function' && /^(parse|check|refuse|require|grant[A-Z]|choose)/.test(name),
    )
    .map(([name]) => name)
    .filter((name) => !others.includes(name))
  expect([...new Set(exported)].sort()).toEqual(names(checks).sort())
})

it('reauthorises with the checks against the client and the settings, which read no parameters', () => {
  expect(names(checks.filter((row) => row.reauthorise))).toEqual([
    ...['checkClient', 'checkGrantType', 'checkRedirectUri', 'grantScope', 'requireCodeChallenge'],
    ...['chooseIdp', 'grantClaims'],
  ])
})

it('does not compile if a check precedes one that it depends on', () => {
  const row = <Check>(check: Check) => ({ check, authorize: true, reauthorise: true, section: 'RFC 1' }) as const
  const trusted = [
    row(client.parseClientId),
    row(client.checkClient),
    row(parseRedirectUri),
    row(parseResponseMode),
    row(parseState),
    row(checkRedirectUri),
    row(checkResponseType),
  ] as const
  // The error of checkResponseType goes to the client, so the redirect_uri must have been trusted.
  const untrusted = [row(client.parseClientId), row(client.checkClient), row(checkResponseType)] as const
  type Start = Received & WithProvider
  expectTypeOf<KnownAfter<typeof trusted, 'authorize', Start>>().toExtend<{ client_id: string }>()
  expectTypeOf<
    KnownAfter<typeof untrusted, 'authorize', Start>
  >().toEqualTypeOf<'a check runs before what it needs: RFC 1'>()
})
