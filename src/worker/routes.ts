// Every URL below the issuer has one row. The router tries the rows of a section in order, so the busiest come first.

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

/** The administration API; its guard runs before its rows are matched. */
export const guardedRoutes: readonly Route[] = adminRoutes.map(asRoute)

export const routes: readonly Route[] = [...publicRoutes, ...guardedRoutes]
