// The audit events: which actor changed which record. They are only read here, never changed or removed.
import * as z from 'zod/mini'
import { refuseFaults } from '../../model/refuse-faults.ts'
import { read } from '../../request/commit.ts'
import { listAuditEvents } from '../../storage/audit-events.ts'
import { type AdminRoute, page, pageOf, route } from '../admin-route.ts'
import { toInstant } from '../fields.ts'

const event = z.object({
  id: z.int(),
  at: z.iso.datetime(),
  actor: z.string(),
  action: z.string(),
  target: z.string(),
  request_id: z.string(),
  detail: z.record(z.string(), z.unknown()),
})

export const auditEventRoutes: AdminRoute[] = [
  route({
    method: 'GET',
    path: 'audit-events',
    summary: 'List audit events, the newest first',
    isPaged: true,
    answer: pageOf(event),
    async handle(context, call) {
      const { after, limit } = call.page
      if (!/^\d{0,15}$/.test(after)) refuseFaults({ after: 'must be the id of an event' })
      const before = after === '' ? Number.MAX_SAFE_INTEGER : Number(after)
      const rows = await read(context, (db) => listAuditEvents(db, before, limit))
      return page(
        call.page,
        rows.map((row) => ({ ...row, at: toInstant(row.at) })),
        (row) => String(row.id),
      )
    },
  }),
]
