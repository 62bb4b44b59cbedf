// What a person allowed each client, remembered by scope and by claim name.
import type { Consent } from '../../model/consent.ts'

/** `since`: `created_at` of the client. What was given to another one of that id does not count. */
export function findConsent(sql: SqlStorage, clientId: string, since: number): Consent | undefined {
  const [row] = sql.exec<{ consent: string }>('SELECT consent FROM consents WHERE client_id = ?', clientId).toArray()
  const consent = row && (JSON.parse(row.consent) as Consent)
  return consent?.client_since === since ? consent : undefined
}

/** Adds to what was allowed before. */
export function rememberConsent(
  sql: SqlStorage,
  clientId: string,
  since: number,
  given: { scopes: string[]; claims: string[] },
  now: number,
): void {
  const before = findConsent(sql, clientId, since)
  const stamped = (names: string[]) => Object.fromEntries(names.map((name) => [name, now]))
  const consent: Consent = {
    client_since: since,
    given_at: now,
    scopes: { ...before?.scopes, ...stamped(given.scopes) },
    claims: { ...before?.claims, ...stamped(given.claims) },
  }
  sql.exec('INSERT OR REPLACE INTO consents VALUES (?, ?)', clientId, JSON.stringify(consent))
}

export function forgetConsent(sql: SqlStorage, clientId: string): void {
  sql.exec('DELETE FROM consents WHERE client_id = ?', clientId)
}
