import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  challengeOf,
  codeVerifierFault,
  isCodeVerifier,
  parseCodeChallenge,
  requireCodeChallenge,
} from '../../../src/protocol/authorization-request/pkce.ts'
import { aClient } from '../../context.ts'
import { pkce } from '../../user-agent.ts'
import { hostileText, outcomeOf, refusalOf } from '../hostile.ts'

const challenge = pkce().code_challenge
const redirect = { redirect_uri: 'https://rp.test/cb', response_mode: 'query' }

function parse(parameters: Record<string, string>, isRequired = false): string | undefined {
  const parsed = parseCodeChallenge({ parameters: new URLSearchParams(parameters), redirect })
  const client = aClient({ token_endpoint_auth_method: 'client_secret_basic', require_pkce: isRequired })
  requireCodeChallenge({ ...parsed, client, redirect })
  return parsed.code_challenge
}

it('accepts an S256 challenge', () => {
  expect(parse({ code_challenge: challenge, code_challenge_method: 'S256' })).toBe(challenge)
})

it('A09 requires a challenge only if the client must send one', () => {
  expect(parse({})).toBeUndefined()
  expect(refusalOf(() => parse({}, true))).toBe('invalid_request')
})

describe.each([true, false])('a code_challenge, required: %s', (isRequired) => {
  it.each([
    ['A10 plain', { code_challenge: challenge, code_challenge_method: 'plain' }],
    ['A10 no method, which means plain', { code_challenge: challenge }],
    ['A10 an unknown method', { code_challenge: challenge, code_challenge_method: 'S512' }],
    ['A10 another spelling', { code_challenge: challenge, code_challenge_method: 's256' }],
    ['A10 a method without challenge', { code_challenge_method: 'S256' }],
    ['A10 an empty challenge', { code_challenge: '', code_challenge_method: 'S256' }],
    ['A11 42 characters', { code_challenge: challenge.slice(1), code_challenge_method: 'S256' }],
    ['A11 44 characters', { code_challenge: `${challenge}A`, code_challenge_method: 'S256' }],
    ['A11 128 characters', { code_challenge: 'a'.repeat(128), code_challenge_method: 'S256' }],
    ['A11 129 characters', { code_challenge: 'a'.repeat(129), code_challenge_method: 'S256' }],
    ['A11 padding', { code_challenge: `${challenge}=`, code_challenge_method: 'S256' }],
    [
      'A11 a padded challenge of the right length',
      { code_challenge: `${challenge.slice(1)}=`, code_challenge_method: 'S256' },
    ],
    ['A11 base64', { code_challenge: `+/${challenge.slice(2)}`, code_challenge_method: 'S256' }],
    ['A11 a verifier’s characters', { code_challenge: `~.${challenge.slice(2)}`, code_challenge_method: 'S256' }],
    ['A11 a line break', { code_challenge: `${challenge}\n`, code_challenge_method: 'S256' }],
  ])('refuses %s', (_, parameters) => {
    expect(refusalOf(() => parse(parameters, isRequired))).toBe('invalid_request')
  })

  it('never treats a challenge that was sent as absent or as plain', () => {
    const text = fc.oneof(hostileText, fc.constantFrom(challenge, 'S256', 'plain'))
    fc.assert(
      fc.property(text, text, (code_challenge, code_challenge_method) => {
        const outcome = outcomeOf(() => parse({ code_challenge, code_challenge_method }, isRequired))
        if ('refusal' in outcome) return
        const isAbsent = code_challenge === '' && code_challenge_method === '' && !isRequired
        expect(outcome.value).toBe(isAbsent ? undefined : code_challenge)
        if (!isAbsent) expect(code_challenge_method).toBe('S256')
      }),
    )
  })
})

it('RFC 7636 §4.1 a verifier has 43 to 128 unreserved characters', () => {
  for (const verifier of ['a'.repeat(43), 'a'.repeat(128), `${'~._-'.repeat(10)}aB0`]) {
    expect(isCodeVerifier(verifier), verifier).toBe(true)
  }
  for (const verifier of [
    'a'.repeat(42),
    'a'.repeat(129),
    `${'a'.repeat(42)}=`,
    `${'a'.repeat(43)}\n`,
    'é'.repeat(43),
  ]) {
    expect(isCodeVerifier(verifier), verifier).toBe(false)
  }
})

describe('the code_verifier of a token request (RFC 7636 §4.6)', () => {
  const { code_verifier, code_challenge } = pkce()
  it.each<[string, string | undefined, string | null, boolean]>([
    ['matches its challenge', code_challenge, code_verifier, true],
    ['is absent, as the challenge was', undefined, null, true],
    ['is of another request', code_challenge, pkce().code_verifier, false],
    ['is missing', code_challenge, null, false],
    ['comes without a challenge, which is a downgrade (RFC 9700 §4.8.2),', undefined, code_verifier, false],
    ['is the challenge itself', code_challenge, code_challenge, false],
    ['is too short', code_challenge, 'short', false],
  ])('%s', async (_, requested, verifier, fits) => {
    expect(codeVerifierFault(requested, await challengeOf(verifier)) === undefined).toBe(fits)
  })
})
