// The `claims` parameter (OIDC Core §5.5): the single claims a client asks for, and the values it requires of acr and sub.
import type { OAuthError } from '../../model/errors.ts'
import { invalidRequest } from '../../model/oauth-errors.ts'
import type { ReceivedFromClient, WithClient, WithProvider } from './known.ts'

export interface ClaimsRequest {
  userinfo: string[]
  id_token: string[]
  /** The values of an essential `id_token.acr`: the session must have one of them. */
  essential_acr?: string[]
  /** `id_token.sub.value` or `userinfo.sub.value`: the subject that must be signed in. */
  sub?: string
}

type Entry = { essential?: unknown; value?: unknown; values?: unknown } | null

/** Unknown members are ignored. Throws invalid_request if the text is not the JSON object of §5.5. */
export function parseClaimsRequest(text: string): ClaimsRequest {
  const document = parseJson(text)
  if (!isObject(document)) throw malformed({ expected: 'a JSON object', received: describe(document) })
  const userinfo = members(document, 'userinfo')
  const idToken = members(document, 'id_token')

  const request: ClaimsRequest = {
    userinfo: [...userinfo.keys()],
    id_token: [...idToken.keys()],
  }
  const acr = idToken.get('acr')
  const acrValues = acr?.values ?? acr?.value
  // Without values, any acr satisfies the request (§5.5.1.1).
  if (acr?.essential === true && acrValues !== undefined) request.essential_acr = strings(acrValues)
  const [sub, other] = requestedSubjects(idToken, userinfo)
  if (other !== undefined) throw malformed({ expected: 'one value of sub', received: 'two' })
  if (sub !== undefined) request.sub = sub
  return request
}

/** Keeps only the claims in `allowed`, in both members. Requirements on acr and sub stay. */
export function allowedClaims(request: ClaimsRequest, allowed: ReadonlySet<string>): ClaimsRequest {
  const isAllowed = (claim: string) => allowed.has(claim)
  return { ...request, userinfo: request.userinfo.filter(isAllowed), id_token: request.id_token.filter(isAllowed) }
}

/** The `claims` parameter of an authorization request. */
export function parseRequestedClaims({ parameters }: ReceivedFromClient): {
  requested_claims: ClaimsRequest | undefined
} {
  const text = parameters.get('claims')
  return { requested_claims: text === null ? undefined : parseClaimsRequest(text) }
}

/** Keeps the claims of scopes that the client may request now. Other claims are dropped without an error (OIDC Core §5.5). */
export function grantClaims({
  requested_claims,
  client,
  provider,
}: { requested_claims?: ClaimsRequest | undefined } & WithClient & WithProvider): {
  claims: ClaimsRequest | undefined
} {
  return { claims: requested_claims && allowedClaims(requested_claims, provider.requestableClaims(client)) }
}

/** The distinct values of sub. */
function requestedSubjects(...places: Map<string, Entry>[]): string[] {
  const values = places.map((place) => place.get('sub')?.value ?? undefined).filter((value) => value !== undefined)
  return [
    ...new Set(
      values.map((value) => {
        if (typeof value !== 'string')
          throw malformed({ expected: 'a string as value of sub', received: describe(value) })
        return value
      }),
    ),
  ]
}

/** One member of the document as a Map, so that names such as `__proto__` stay plain keys. */
function members(document: Record<string, unknown>, name: string): Map<string, Entry> {
  const member = Object.hasOwn(document, name) ? document[name] : undefined
  if (member === undefined || member === null) return new Map()
  if (!isObject(member)) throw malformed({ expected: `an object as ${name}`, received: describe(member) })
  const entries = new Map<string, Entry>()
  for (const [claim, entry] of Object.entries(member)) {
    if (entry !== null && !isObject(entry))
      throw malformed({ expected: `null or an object for each claim of ${name}`, received: describe(entry) })
    entries.set(claim, entry as Entry)
  }
  return entries
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw malformed({ expected: 'a JSON object', received: 'text that is not JSON' })
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const strings = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).filter((each): each is string => typeof each === 'string')

const describe = (value: unknown): string =>
  Array.isArray(value) ? 'an array' : value === null ? 'null' : `a ${typeof value}`

function malformed({ expected, received }: { expected: string; received: string }): OAuthError {
  return invalidRequest({
    description: `the claims parameter is malformed: expected ${expected}`,
    check: 'claims',
    expected,
    received,
    fix: 'send the JSON object of OpenID Connect Core §5.5',
  })
}
