// The attempts of sign-in by external providers: how far each came, why it stopped, what to change. They are only read here.
import * as z from 'zod/mini'
import { attemptSteps } from '../../model/login-attempt.ts'
import { refuseFaults } from '../../model/refuse-faults.ts'
import { read } from '../../request/commit.ts'
import { findLoginAttempt, type ListedAttempt, listLoginAttempts } from '../../storage/login-attempts.ts'
import { type AdminRoute, ok, page, pageOf, route } from '../admin-route.ts'
import { instant, toInstant } from '../fields.ts'
import { found } from '../record-key.ts'

export const fieldChange = z.object({
  field: z.string(),
  action: z.enum(['created', 'updated', 'unchanged', 'ignored', 'failed', 'granted', 'withdrawn']),
  before: z.optional(z.nullable(z.string())),
  after: z.optional(z.nullable(z.string())),
  reason: z.optional(z.string()),
})

const attempt = z.object({
  id: z.int(),
  at: z.iso.datetime(),
  provider_id: z.string(),
  outcome: z.enum(['signed_in', 'refused', 'failed']),
  step: z.enum(attemptSteps),
  check_name: z.nullable(z.string()),
  cause: z.nullable(z.string()),
  fix: z.nullable(z.string()),
  user_id: z.nullable(z.string()),
  issuer: z.nullable(z.string()),
  subject: z.nullable(z.string()),
  sid: z.nullable(z.string()),
  request_id: z.string(),
  changes: z.array(fieldChange),
})
const attemptWithClaims = z.extend(attempt, { claims: z.nullable(z.record(z.string(), z.unknown())) })

const filters = z.strictObject({
  provider_id: z.optional(z.string()),
  user_id: z.optional(z.string()),
  outcome: z.optional(attempt.shape.outcome),
  /** From this time on. */
  from: z.optional(instant),
  /** Before this time. */
  to: z.optional(instant),
  request_id: z.optional(z.string()),
})

export const loginAttemptRoutes: AdminRoute[] = [
  route({
    method: 'GET',
    path: 'login-attempts',
    summary: 'List sign-ins by external providers, the newest first',
    description:
      'Kept for the setting `login_attempts_kept`. What the provider said of the person is in the single one only.',
    isPaged: true,
    query: filters,
    answer: pageOf(attempt),
    async handle(context, call) {
      const { from, to, ...exact } = call.query
      const filter = { ...exact, ...milliseconds('from', from), ...milliseconds('to', to) }
      const before = parseId('after', call.page.after) ?? Number.MAX_SAFE_INTEGER
      const rows = await read(context, (db) => listLoginAttempts(db, filter, before, call.page.limit))
      return page(call.page, rows.map(shown), (row) => String(row.id))
    },
  }),
  route({
    method: 'GET',
    path: 'login-attempts/{id}',
    summary: 'Read a sign-in by an external provider, with the claims that it brought',
    answer: attemptWithClaims,
    async handle(context, call) {
      const id = parseId('id', call.params.id) ?? 0
      const { claims, ...row } = found(await read(context, (db) => findLoginAttempt(db, id)))
      return ok({ ...shown(row), claims })
    },
  }),
]

const shown = (row: ListedAttempt) => ({ ...row, at: toInstant(row.at) })

const milliseconds = <Name extends string>(name: Name, time: string | undefined) =>
  time === undefined ? {} : ({ [name]: Date.parse(time) } as Record<Name, number>)

function parseId(name: string, text: string): number | undefined {
  if (!/^\d{0,15}$/.test(text)) refuseFaults({ [name]: 'must be the id of an attempt' })
  return text === '' ? undefined : Number(text)
}
