// Which of the requested scopes a client is granted (RFC 6749 §3.3).
import type { Client } from '../../model/client.ts'
import { signsInUsers } from '../../model/grant-type.ts'
import { invalidScope } from '../../model/oauth-errors.ts'
import type { ReceivedFromClient, Redirectable, WithClient, WithProvider } from './known.ts'

const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/** The distinct names of a scope parameter, in order. Throws invalid_scope on characters that RFC 6749 §3.3 does not allow. */
export function parseScope(text: string | null): string[] {
  const names = (text ?? '').split(' ').filter((name) => name !== '')
  if (names.some((name) => !scopeToken.test(name))) {
    throw invalidScope({
      description: 'scope has a character that is not allowed',
      check: 'scope',
      expected: 'names of printable ASCII without quotation mark and backslash, separated by single spaces',
      received: 'another character',
      fix: 'send only registered scope names',
    })
  }
  return [...new Set(names)]
}

/** True if the client may be granted the scope. full_api_access and offline_access follow the flags of the client. */
export function mayRequestScope(client: Client, scope: string): boolean {
  if (scope === 'full_api_access') return client.api_access
  if (scope === 'offline_access') return client.offline_access && signsInUsers(client)
  if (scope === 'openid') return signsInUsers(client)
  return client.scopes.includes(scope)
}

/** The granted scopes: unknown and refused ones are left out. Throws invalid_scope if none remains. */
export function grantableScopes(requested: string[], client: Client, isEnabled: (scope: string) => boolean): string[] {
  const granted = requested.filter((scope) => isEnabled(scope) && mayRequestScope(client, scope))
  if (granted.length > 0) return granted
  throw invalidScope({
    description: 'none of the requested scopes is available to this client',
    check: 'scope',
    expected: `one of: ${[...client.scopes, ...(client.api_access ? ['full_api_access'] : [])].join(' ') || '(none)'}`,
    received: requested.slice(0, 50).join(' ') || '(no scope)',
    fix: 'request scopes that exist, are enabled and are assigned to the client; full_api_access needs its api_access, offline_access its offline_access',
  })
}

/** The `scope` parameter of an authorization request. Throws invalid_scope on names that are not well-formed. */
export const parseRequestedScope = ({ parameters }: ReceivedFromClient): { requested_scope: string[] } => ({
  requested_scope: parseScope(parameters.get('scope')),
})

/** The scopes granted now. Throws invalid_scope if there are none. */
export function grantScope({
  requested_scope,
  client,
  provider,
}: { requested_scope: string[] } & WithClient & WithProvider & Redirectable): { scope: string[] } {
  return { scope: grantableScopes(requested_scope, client, (scope) => provider.isEnabledScope(scope)) }
}
