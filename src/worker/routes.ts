// Every URL below the issuer, one row each. Within a section the router tries the rows in their order, so the busiest stand first.

import { asRoute } from '../admin/admin.ts'
import { adminRoutes } from '../admin/table.ts'
import type { Route } from '../request/route.ts'
import { accountRoutes } from './routes/account.ts'
import { developmentRoutes } from './routes/development.ts'
import { externalRoutes } from './routes/external.ts'
import { protocolRoutes } from './routes/protocol.ts'

export const publicRoutes: readonly Route[] = [
  ...protocolRoutes,
  ...accountRoutes,
  ...externalRoutes,
  ...developmentRoutes,
]

/** The administration API, behind its guard. */
export const guardedRoutes: readonly Route[] = adminRoutes.map(asRoute)

export const routes: readonly Route[] = [...publicRoutes, ...guardedRoutes]
