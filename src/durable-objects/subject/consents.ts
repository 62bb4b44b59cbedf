// What a person allowed each client, remembered by scope and by claim name.
import type { Consent } from '../../protocol/next-step.ts'

/** `since`: when the client was made. What was given before was given to another one of that id. */
export function findConsent(sql: SqlStorage, clientId: string, since: number): Consent | undefined {
  const [row] = sql.exec<{ consent: string }>('SELECT consent FROM consents WHERE client_id = ?', clientId).toArray()
  const consent = row && (JSON.parse(row.consent) as Consent)
  return consent && consent.given_at >= since ? consent : undefined
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
    given_at: now,
    scopes: { ...before?.scopes, ...stamped(given.scopes) },
    claims: { ...before?.claims, ...stamped(given.claims) },
  }
  sql.exec('INSERT OR REPLACE INTO consents VALUES (?, ?)', clientId, JSON.stringify(consent))
}

export function forgetConsent(sql: SqlStorage, clientId: string): void {
  sql.exec('DELETE FROM consents WHERE client_id = ?', clientId)
}
