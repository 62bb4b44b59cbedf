// The order of the checks of an authorization request: of two faults at once, the earlier check answers. Clients and their developers rely on it.
import { beforeAll, describe, expect, it } from 'vitest'
import { issuer, type Parameters, redirectUri, setUp } from '../provider.ts'
import { authorizeWithoutSession, expectPage } from '../watched.ts'

interface Fault {
  name: string
  parameters: Parameters
  /** What the caller is told. */
  description: string
}

/** RFC 6749 §4.1.2.1: shown, since nothing vouches for the redirect_uri yet. */
const shown: Fault[] = [
  { name: 'no client_id', parameters: { client_id: undefined }, description: 'client_id is missing' },
  { name: 'an unknown client', parameters: { client_id: 'nope' }, description: 'client_id is not known here' },
  {
    name: 'a client without the grant type',
    parameters: { client_id: 'm2m' },
    description: 'this client may not sign people in',
  },
  { name: 'no redirect_uri', parameters: { redirect_uri: undefined }, description: 'redirect_uri is missing' },
  {
    name: 'another redirect_uri',
    parameters: { redirect_uri: 'https://evil.test/cb' },
    description: 'redirect_uri is not registered for this client',
  },
]

/** Sent to the client, by redirect. */
const redirected: Fault[] = [
  { name: 'request', parameters: { request: 'e30.e30.' }, description: 'the request parameter is not supported' },
  {
    name: 'request_uri',
    parameters: { request_uri: 'urn:x' },
    description: 'the request_uri parameter is not supported',
  },
  {
    name: 'registration',
    parameters: { registration: '{}' },
    description: 'the registration parameter is not supported',
  },
  { name: 'response_type', parameters: { response_type: 'token' }, description: 'response_type must be code' },
  {
    name: 'response_mode',
    parameters: { response_mode: 'fragment' },
    description: 'response_mode must be query or form_post',
  },
  {
    name: 'a character in scope',
    parameters: { scope: 'openid é' },
    description: 'scope has a character that is not allowed',
  },
  {
    name: 'no scope to be had',
    parameters: { scope: 'nope' },
    description: 'none of the requested scopes is available to this client',
  },
  {
    name: 'code_challenge_method without a challenge',
    parameters: { code_challenge_method: 'S256', code_challenge: undefined },
    description: 'a code_challenge is required',
  },
  {
    name: 'plain PKCE',
    parameters: { code_challenge: 'x', code_challenge_method: 'plain' },
    description: 'code_challenge_method must be S256',
  },
  {
    name: 'a short code_challenge',
    parameters: { code_challenge: 'x', code_challenge_method: 'S256' },
    description: 'code_challenge is not an S256 challenge',
  },
  {
    name: 'prompt',
    parameters: { prompt: 'none login' },
    description: 'prompt has a value that is unknown or excludes the others',
  },
  { name: 'max_age', parameters: { max_age: 'x' }, description: 'max_age must be a whole number of seconds' },
  { name: 'claims', parameters: { claims: '[]' }, description: 'the claims parameter is malformed' },
  {
    name: 'id_token_hint',
    parameters: { id_token_hint: 'x' },
    description: 'id_token_hint is not an ID token of this client',
  },
]

const faults = [...shown, ...redirected]

/** Two faults of one parameter cannot be sent together. */
const areApart = (one: Fault, other: Fault): boolean =>
  Object.keys(one.parameters).every((name) => !Object.hasOwn(other.parameters, name))

async function toldOf(parameters: Parameters, isShown: boolean): Promise<string> {
  const response = await authorizeWithoutSession(parameters)
  if (isShown) return expectPage(response)
  expect(response.status).toBe(303)
  const target = new URL(response.headers.get('location') ?? '', issuer)
  expect(target.origin + target.pathname).toBe(redirectUri)
  return target.searchParams.get('error_description') ?? ''
}

beforeAll(setUp)

describe('of two faults in one authorization request, the earlier check answers', () => {
  it.each(faults.map((fault, index) => ({ ...fault, index })))('$name', async ({ index, ...fault }) => {
    const isShown = shown.some((each) => each.name === fault.name)
    expect(await toldOf(fault.parameters, isShown)).toContain(fault.description)
    for (const later of faults.slice(index + 1).filter((each) => areApart(fault, each))) {
      const told = await toldOf({ ...later.parameters, ...fault.parameters }, isShown)
      expect(told, `beside ${later.name}`).toContain(fault.description)
    }
  })
})
