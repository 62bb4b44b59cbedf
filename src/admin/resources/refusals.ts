// Shows operators why a request was refused (DESIGN principle 6).
import * as z from 'zod/mini'
import { findRefusal } from '../../grants/refusal-rings.ts'
import { notFound } from '../../model/problems.ts'
import { type AdminRoute, ok, route } from '../admin-route.ts'
import { toInstant } from '../fields.ts'

const refusal = z.object({
  request_id: z.string(),
  at: z.iso.datetime(),
  endpoint: z.string(),
  code: z.string(),
  description: z.string(),
  check: z.string(),
  expected: z.optional(z.string()),
  received: z.optional(z.string()),
  fix: z.optional(z.string()),
  client_id: z.optional(z.string()),
})

export const refusalRoutes: AdminRoute[] = [
  route({
    method: 'GET',
    path: 'refusals/{request_id}',
    summary: 'Read why a request was refused',
    description: 'Refusals are kept for 24 hours, the newest of each client, and of strangers together.',
    answer: refusal,
    async handle(context, call) {
      const record = await findRefusal(context, call.params.request_id)
      if (!record) throw notFound('No refusal of the last 24 hours has this request id')
      return ok({ ...record, at: toInstant(record.at) })
    },
  }),
]
