import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Consent } from '../../src/model/consent.ts'
import type { ValidatedAuthorizationRequest } from '../../src/protocol/authorization-request/authorization-request.ts'
import type { Prompt } from '../../src/protocol/authorization-request/prompt.ts'
import type { AcceptedIdps } from '../../src/protocol/login-choice.ts'
import { type DecisionInput, decide, type Step } from '../../src/protocol/next-step.ts'

const started = 1_000_000
const before = started - 60_000
const since = started + 1000

/** By default, the user signed in and consented to everything a minute before the request arrived. */
interface Case {
  request?: Partial<ValidatedAuthorizationRequest>
  signedIn?: number | false
  selected?: number
  consent?: Partial<Consent> | false
  requireConsent?: boolean
  expected?: string
  now?: number
  /** The provider and the acr of the session. */
  idp?: string
  acr?: string
  acceptedIdps?: AcceptedIdps
}

const known: Consent = { client_since: 0, given_at: before, scopes: { openid: before, email: before }, claims: {} }

function stepOf({
  request,
  signedIn = before,
  selected = 0,
  consent = {},
  requireConsent = true,
  expected,
  now,
  idp = 'local',
  acr = '1',
  acceptedIdps,
}: Case): Step {
  const input: DecisionInput = {
    request: {
      client_id: 'web',
      redirect_uri: 'https://rp.test/cb',
      response_mode: 'query',
      scope: ['openid', 'email'],
      prompt: [],
      ...request,
    },
    require_consent: requireConsent,
    expected_sub: expected,
    started_at: started,
    accepted_idps: acceptedIdps,
    now: now ?? started + 2000,
  }
  if (signedIn === false) return decide(input)
  const session = { id: 's', authenticated_at: signedIn, acr, amr: ['pwd'], idp, selected_at: selected }
  const given = consent === false ? undefined : { ...known, ...consent }
  return decide({ ...input, person: { sub: 'ada', session, consent: given } })
}

const outcomeOf = (step: Step): string => (step.kind === 'error' ? step.code : step.kind)
const prompt = (...prompt: Prompt[]): Case['request'] => ({ prompt })

describe('the next step', () => {
  it.each<[string, string, Case]>([
    ['nothing is missing', 'respond', {}],
    ['no user is signed in', 'sign-in', { signedIn: false }],
    ['A17 prompt=none: no user is signed in', 'login_required', { signedIn: false, request: prompt('none') }],
    ['A17 prompt=none: nothing missing', 'respond', { request: prompt('none') }],
    ['A17 prompt=none: no consent', 'consent_required', { consent: false, request: prompt('none') }],
    ['A17 prompt=none: too old a sign-in', 'login_required', { request: { prompt: ['none'], max_age: 10 } }],
    ['A17 prompt=none: another user than expected', 'login_required', { request: prompt('none'), expected: 'bob' }],

    ['A18 prompt=login: signed in before', 'sign-in', { request: prompt('login') }],
    ['A18 prompt=login: at the same moment', 'sign-in', { request: prompt('login'), signedIn: started }],
    ['A18 prompt=login: since', 'respond', { request: prompt('login'), signedIn: since }],
    ['A18 prompt=login consent: signed in first', 'sign-in', { request: prompt('login', 'consent') }],
    ['A18 prompt=login consent: then asked', 'consent', { request: prompt('login', 'consent'), signedIn: since }],

    ['A19 max_age reached', 'sign-in', { request: { max_age: 10 } }],
    ['A19 max_age not reached', 'respond', { request: { max_age: 10_000 } }],
    ['A19 max_age to the millisecond', 'respond', { request: { max_age: 62 } }],
    ['A19 max_age past by one', 'sign-in', { request: { max_age: 62 }, now: before + 62_001 }],
    ['A19 max_age=0', 'sign-in', { request: { max_age: 0 } }],
    ['A19 max_age=0, signed in since', 'respond', { request: { max_age: 0 }, signedIn: since }],

    ['select_account: shown', 'select-account', { request: prompt('select_account') }],
    ['select_account: chosen before', 'select-account', { request: prompt('select_account'), selected: before }],
    ['select_account: chosen since', 'respond', { request: prompt('select_account'), selected: since }],
    ['select_account: signed in since', 'respond', { request: prompt('select_account'), signedIn: since }],
    ['select_account: no user is signed in', 'sign-in', { request: prompt('select_account'), signedIn: false }],
    ['select_account: another user than expected', 'sign-in', { request: prompt('select_account'), expected: 'bob' }],

    ['consent: none yet', 'consent', { consent: false }],
    ['consent: not needed by this client', 'respond', { consent: false, requireConsent: false }],
    ['S06 consent: a new scope', 'consent', { request: { scope: ['openid', 'email', 'phone'] } }],
    ['consent: fewer scopes', 'respond', { request: { scope: ['openid'] } }],
    ['S06 consent: a new claim', 'consent', { request: { claims: { userinfo: ['phone_number'], id_token: [] } } }],
    [
      'consent: a known claim',
      'respond',
      { request: { claims: { userinfo: ['x'], id_token: ['x'] } }, consent: { claims: { x: 1 } } },
    ],
    ['consent: a scope named constructor', 'consent', { request: { scope: ['openid', 'constructor'] } }],
    ['consent: a claim named toString', 'consent', { request: { claims: { userinfo: [], id_token: ['toString'] } } }],
    ['prompt=consent: given before', 'consent', { request: prompt('consent') }],
    ['prompt=consent: given since', 'respond', { request: prompt('consent'), consent: { given_at: since } }],
    ['prompt=consent: by any client', 'consent', { request: prompt('consent'), requireConsent: false }],
    [
      'prompt=consent: given since, for less',
      'consent',
      { request: { prompt: ['consent'], scope: ['openid', 'phone'] }, consent: { given_at: since } },
    ],

    ['id_token_hint: this person', 'respond', { expected: 'ada' }],
    ['id_token_hint: another person', 'sign-in', { expected: 'bob' }],
    ['id_token_hint: another one signed in since', 'login_required', { expected: 'bob', signedIn: since }],
    ['A27 claims sub: another person', 'sign-in', { request: { claims: { userinfo: [], id_token: [], sub: 'bob' } } }],
    [
      'A27 claims sub: another one signed in since',
      'login_required',
      { request: { claims: { userinfo: [], id_token: [], sub: 'bob' } }, signedIn: since },
    ],
    [
      'A27 claims sub beside a hint: both hold',
      'sign-in',
      { request: { claims: { userinfo: [], id_token: [], sub: 'bob' } }, expected: 'ada' },
    ],
    [
      'an essential acr that the session lacks',
      'unmet_authentication_requirements',
      { request: { claims: { userinfo: [], id_token: [], essential_acr: ['2'] } } },
    ],
    [
      'an essential acr that the session has',
      'respond',
      { request: { claims: { userinfo: [], id_token: [], essential_acr: ['2', '1'] } } },
    ],
  ])('%s: %s', (_, expected, input) => {
    expect(outcomeOf(stepOf(input))).toBe(expected)
  })

  /** A session from `corp` after the request arrived. `signedIn` is the auth_time that corp states; 0 if it states none. */
  const fromCorp: Case = { idp: 'corp', acr: '0', acceptedIdps: { corp: 1 }, selected: since }
  const wants = (...essential_acr: string[]): Case['request'] => ({
    claims: { userinfo: [], id_token: [], essential_acr },
  })

  it.each<[string, string, Case]>([
    ['from an external provider counts like any other', 'respond', { ...fromCorp, signedIn: 0 }],
    ['of a disabled provider', 'sign-in', { ...fromCorp, acceptedIdps: {} }],
    [
      'of a provider that was created again under the same id',
      'sign-in',
      { ...fromCorp, acceptedIdps: { corp: since + 1 } },
    ],
    ['of a provider named like a member of Object.prototype', 'sign-in', { ...fromCorp, idp: 'constructor' }],
    ['by password, without external providers', 'respond', { acceptedIdps: {} }],
    ['when another provider is requested', 'sign-in', { ...fromCorp, selected: before, request: { idp: 'other' } }],
    ['when this provider is requested', 'respond', { ...fromCorp, request: { idp: 'corp' } }],
    ['I25 prompt=login: the provider did not authenticate again', 'sign-in', { ...fromCorp, request: prompt('login') }],
    [
      'I25 prompt=login: the provider states no auth_time',
      'sign-in',
      { ...fromCorp, signedIn: 0, request: prompt('login') },
    ],
    [
      'I25 prompt=login: the provider authenticated again',
      'respond',
      { ...fromCorp, signedIn: since, request: prompt('login') },
    ],
    ['I25 max_age: too long ago there', 'sign-in', { ...fromCorp, request: { max_age: 10 } }],
    [
      'I25 max_age: the provider states no auth_time',
      'sign-in',
      { ...fromCorp, signedIn: 0, request: { max_age: 1e6 } },
    ],
    ['prompt=select_account: coming back is a choice', 'respond', { ...fromCorp, request: prompt('select_account') }],
    ['id_token_hint: another user signed in', 'login_required', { ...fromCorp, expected: 'bob' }],
    ['I25 acr: a password here can satisfy it', 'sign-in', { ...fromCorp, request: wants('1', 'mfa') }],
    [
      'I25 acr: nothing here can satisfy it',
      'unmet_authentication_requirements',
      { ...fromCorp, request: wants('mfa') },
    ],
    ['I25 acr: satisfied', 'respond', { ...fromCorp, acr: 'mfa', request: wants('mfa') }],
    [
      'I25 acr: an older session, which a provider may satisfy',
      'sign-in',
      { acceptedIdps: { corp: 1 }, request: wants('mfa') },
    ],
  ])('a session %s: %s', (_, expected, input) => {
    expect(outcomeOf(stepOf(input))).toBe(expected)
  })

  it('S06 names the new scopes and claims', () => {
    const claims = { userinfo: ['phone_number'], id_token: ['phone_number'] }
    expect(stepOf({ request: { scope: ['openid', 'phone'], claims } })).toEqual({
      kind: 'consent',
      new_scopes: ['phone'],
      new_claims: ['phone_number'],
    })
  })
})

describe('for any input', () => {
  const prompts = fc.constantFrom<Prompt[]>(
    [],
    ['none'],
    ['login'],
    ['consent'],
    ['select_account'],
    ['login', 'consent'],
  )
  const moment = fc.constantFrom(before, started, since)
  const inputs = fc.record({
    request: fc.record({ prompt: prompts, scope: fc.subarray(['openid', 'email', 'phone'], { minLength: 1 }) }),
    signedIn: fc.oneof(fc.constant<false>(false), moment),
    selected: moment,
    consent: fc.oneof(fc.constant<false>(false), fc.record({ given_at: moment })),
    requireConsent: fc.boolean(),
    expected: fc.constantFrom('ada', 'bob'),
  })

  it('prompt=none shows no page', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const step = stepOf({ ...input, request: { ...input.request, prompt: ['none'] } })
        expect(['respond', 'error']).toContain(step.kind)
      }),
    )
  })

  it('responds only for the expected user, signed in and with consent', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        if (stepOf(input).kind !== 'respond') return
        expect(input.signedIn).not.toBe(false)
        expect(input.expected).toBe('ada')
        if (input.request.prompt.includes('login')) expect(input.signedIn).toBe(since)
        if (input.requireConsent) {
          expect(input.consent).not.toBe(false)
          expect(input.request.scope).not.toContain('phone')
        }
      }),
    )
  })

  it('prompts satisfied since the request are not repeated', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const scopes = { openid: since, email: since, phone: since }
        const done = { signedIn: since, selected: since, consent: { given_at: since, scopes }, expected: 'ada' }
        expect(stepOf({ ...input, ...done }).kind).toBe('respond')
      }),
    )
  })
})
