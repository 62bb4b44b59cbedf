// The routes of the administration API: one file per resource, one line here. The OpenAPI document is built from this table too.

import type { AdminRoute } from './admin-route.ts'
import { administratorRoutes } from './resources/administrators.ts'
import { auditEventRoutes } from './resources/audit-events.ts'
import { clientRoutes } from './resources/clients.ts'
import { externalIdentityRoutes } from './resources/external-identities.ts'
import { externalProviderRoutes } from './resources/external-providers.ts'
import { groupRoutes } from './resources/groups.ts'
import { keyRoutes } from './resources/keys.ts'
import { loginAttemptRoutes } from './resources/login-attempts.ts'
import { refusalRoutes } from './resources/refusals.ts'
import { reloadRoutes } from './resources/reload-configuration.ts'
import { resourceRoutes } from './resources/resources.ts'
import { scopeRoutes } from './resources/scopes.ts'
import { settingRoutes } from './resources/settings.ts'
import { tenantRoutes } from './resources/tenants.ts'
import { userRoutes } from './resources/users.ts'

export const adminRoutes: readonly AdminRoute[] = [
  ...tenantRoutes,
  ...groupRoutes,
  ...userRoutes,
  ...administratorRoutes,
  ...scopeRoutes,
  ...resourceRoutes,
  ...clientRoutes,
  ...externalProviderRoutes,
  ...externalIdentityRoutes,
  ...loginAttemptRoutes,
  ...settingRoutes,
  ...keyRoutes,
  ...refusalRoutes,
  ...auditEventRoutes,
  ...reloadRoutes,
]
