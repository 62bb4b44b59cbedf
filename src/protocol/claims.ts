// Which claims of a user are released where: those of the granted scopes by destination, and those requested one by one (OIDC Core §5.4, §5.5).
import type { ScopeRecord } from '../model/scope.ts'

type Destination = 'userinfo' | 'id_token' | 'access_token'

/** `single`: claims requested by name. Claims without a value are left out, never null or empty (OIDC Core §5.3.2). */
export function selectClaims(
  user: Record<string, unknown>,
  scopes: ReadonlyMap<string, ScopeRecord>,
  granted: readonly string[],
  destination: Destination,
  single: readonly string[] = [],
): Record<string, unknown> {
  const claims: Record<string, unknown> = {}
  const release = (name: string) => {
    const value = Object.hasOwn(user, name) ? user[name] : undefined
    if (value !== undefined && value !== null && value !== '') claims[name] = value
  }
  for (const scope of granted) {
    for (const entry of scopes.get(scope)?.claims ?? []) {
      if (entry.destination === destination) release(entry.claim)
    }
  }
  for (const name of single) release(name)
  return claims
}

/** The claims a client may name in the `claims` parameter: those of enabled scopes that it may request. */
export function requestableClaims(
  scopes: ReadonlyMap<string, ScopeRecord>,
  mayRequest: (scope: string) => boolean,
): ReadonlySet<string> {
  const names = new Set<string>()
  for (const scope of scopes.values()) {
    if (scope.enabled && mayRequest(scope.name)) for (const entry of scope.claims) names.add(entry.claim)
  }
  return names
}
