import { describe, expect, it } from 'vitest'
import type { ExternalProvider } from '../../src/model/external-provider.ts'
import { chooseLogin, type LoginChoiceInput } from '../../src/protocol/login-choice.ts'

const provider = (provider_id: string, more: Partial<ExternalProvider> = {}) =>
  ({ provider_id, enabled: true, domains: [], metadata: {}, ...more }) as unknown as ExternalProvider

const corp = provider('corp', { domains: ['corp.test'] })
const partner = provider('partner', { domains: ['partner.test'] })
const off = provider('off', { enabled: false, domains: ['off.test'] })
const unread = provider('unread', { metadata: null })

/** `page: corp partner local`; `page: local +` if the page hides further ways; `→ corp` for a redirect. */
function choiceOf(input: Partial<LoginChoiceInput>): string {
  const choice = chooseLogin({
    providers: [corp, partner, off, unread],
    allow_local_accounts: true,
    wantsToChoose: false,
    ...input,
  })
  if (choice.kind === 'provider') return `→ ${choice.provider.provider_id}`
  const shown = [...choice.providers.map((each) => each.provider_id), ...(choice.hasLocal ? ['local'] : [])]
  return `page: ${shown.join(' ')}${choice.isNarrowed ? ' +' : ''}`
}

const all = 'page: corp partner local'
const onlyCorp = { providers: [corp, off, unread], allow_local_accounts: false }

describe('the ways to sign in', () => {
  it.each<[string, string, Partial<LoginChoiceInput>]>([
    ['providers that are enabled and were read, and password', all, {}],
    ['password alone', 'page: local', { providers: [off, unread] }],
    ['providers alone', 'page: corp partner', { allow_local_accounts: false }],
    ['no way at all', 'page: ', { providers: [off], allow_local_accounts: false }],
    ['a sole provider is chosen', '→ corp', onlyCorp],
    ['a sole provider, but the person wants to choose', 'page: corp', { ...onlyCorp, wantsToChoose: true }],
    ['a sole provider beside passwords is not chosen', 'page: corp local', { providers: [corp] }],

    ['idp', '→ partner', { idp: 'partner' }],
    ['idp=local', 'page: local +', { idp: 'local' }],
    ['idp=local, which is disabled', 'page: corp partner', { idp: 'local', allow_local_accounts: false }],
    ['idp of a disabled provider', all, { idp: 'off' }],
    ['idp, but the person wants to choose', all, { idp: 'partner', wantsToChoose: true }],
    ['domain_hint', '→ corp', { domain_hint: 'CORP.test' }],
    ['domain_hint of no provider', all, { domain_hint: 'test' }],
    ['login_hint', '→ partner', { login_hint: 'ada@partner.test' }],
    ['login_hint of a subdomain', all, { login_hint: 'ada@x.partner.test' }],
    ['login_hint without a domain', all, { login_hint: 'partner.test' }],
    ['login_hint with two domains', '→ corp', { login_hint: 'ada@partner.test@corp.test' }],
    ['login_hint of a disabled provider', all, { login_hint: 'ada@off.test' }],
    ['a remembered provider', '→ partner', { remembered: 'partner' }],
    ['a remembered password', 'page: local +', { remembered: 'local' }],
    ['a remembered provider that is disabled now', all, { remembered: 'off' }],
    ['a remembered provider, but the person wants to choose', all, { remembered: 'partner', wantsToChoose: true }],

    ['idp before domain_hint', '→ corp', { idp: 'corp', domain_hint: 'partner.test' }],
    ['domain_hint before login_hint', '→ corp', { domain_hint: 'corp.test', login_hint: 'ada@partner.test' }],
    ['login_hint before a remembered provider', '→ corp', { login_hint: 'ada@corp.test', remembered: 'partner' }],
  ])('%s: %s', (_, expected, input) => {
    expect(choiceOf(input)).toBe(expected)
  })
})
