// Builders of the common kinds of Problem (RFC 9457), by HTTP status.
import { type OAuthError, Problem } from './errors.ts'

/** `fields`: field path → what is wrong with it. */
export const badRequest = (title: string, fields: Readonly<Record<string, string>> = {}): Problem =>
  new Problem(400, title, { fields })

export const notFound = (title: string): Problem => new Problem(404, title)

/** The request contradicts what is stored. */
export const conflict = (title: string): Problem => new Problem(409, title)

/** The same request may be sent again in two seconds. */
export const unavailable = (title: string): Problem => new Problem(503, title, { headers: { 'retry-after': '2' } })

/** Converts an error of a rule for clients, or of an outage, to a Problem. */
export const problemOf = (error: OAuthError): Problem =>
  new Problem(error.status, error.description, { headers: error.headers, cause: error })
