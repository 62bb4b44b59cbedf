// The consents of one user, one row per client: scopes and claim names that the person allowed.
import type { Consent } from '../../model/consent.ts'

/** `clientSince` is `created_at` of the client: consent given to a deleted client of the same id does not count. */
export function findConsent(sql: SqlStorage, clientId: string, clientSince: number): Consent | undefined {
  const [row] = sql.exec<{ consent: string }>('SELECT consent FROM consents WHERE client_id = ?', clientId).toArray()
  const consent = row && (JSON.parse(row.consent) as Consent)
  return consent?.client_since === clientSince ? consent : undefined
}

/** Adds `allowed` to the stored consent. */
export function rememberConsent(
  sql: SqlStorage,
  clientId: string,
  clientSince: number,
  allowed: { scopes: string[]; claims: string[] },
  now: number,
): void {
  const stored = findConsent(sql, clientId, clientSince)
  const stamped = (names: string[]) => Object.fromEntries(names.map((name) => [name, now]))
  const consent: Consent = {
    client_since: clientSince,
    given_at: now,
    scopes: { ...stored?.scopes, ...stamped(allowed.scopes) },
    claims: { ...stored?.claims, ...stamped(allowed.claims) },
  }
  sql.exec('INSERT OR REPLACE INTO consents VALUES (?, ?)', clientId, JSON.stringify(consent))
}

export function forgetConsent(sql: SqlStorage, clientId: string): void {
  sql.exec('DELETE FROM consents WHERE client_id = ?', clientId)
}
