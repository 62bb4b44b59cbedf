// Which claims of a person go where: those of the granted scopes by destination, and those asked for one by one (OIDC Core §5.4, §5.5).
import type { ScopeRecord } from '../model/scope.ts'

type Destination = 'userinfo' | 'id_token' | 'access_token'

/** Unset claims are left out, never null or empty (OIDC Core §5.3.2). */
export function selectClaims(
  person: Record<string, unknown>,
  scopes: ReadonlyMap<string, ScopeRecord>,
  granted: readonly string[],
  destination: Destination,
  single: readonly string[] = [],
): Record<string, unknown> {
  const claims: Record<string, unknown> = {}
  const take = (name: string) => {
    const value = Object.hasOwn(person, name) ? person[name] : undefined
    if (value !== undefined && value !== null && value !== '') claims[name] = value
  }
  for (const scope of granted) {
    for (const entry of scopes.get(scope)?.claims ?? []) {
      if (entry.destination === destination) take(entry.claim)
    }
  }
  for (const name of single) take(name)
  return claims
}

/** The claims a client may name in the `claims` parameter: of scopes it may request. */
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
