// Everything an operator can do: one file per resource, one line here. The OpenAPI document is built from this table too.
import { administratorRoutes } from './administrators.ts'
import { auditEventRoutes } from './audit-events.ts'
import { clientRoutes } from './clients.ts'
import { externalIdentityRoutes } from './external-identities.ts'
import { groupRoutes } from './groups.ts'
import { identityProviderRoutes } from './identity-providers.ts'
import { keyRoutes } from './keys.ts'
import { loginAttemptRoutes } from './login-attempts.ts'
import { refusalRoutes } from './refusals.ts'
import { reloadRoutes } from './reload.ts'
import { resourceRoutes } from './resources.ts'
import type { AdminRoute } from './route.ts'
import { scopeRoutes } from './scopes.ts'
import { settingRoutes } from './settings.ts'
import { tenantRoutes } from './tenants.ts'
import { userRoutes } from './users.ts'

export const adminRoutes: readonly AdminRoute[] = [
  ...tenantRoutes,
  ...groupRoutes,
  ...userRoutes,
  ...administratorRoutes,
  ...scopeRoutes,
  ...resourceRoutes,
  ...clientRoutes,
  ...identityProviderRoutes,
  ...externalIdentityRoutes,
  ...loginAttemptRoutes,
  ...settingRoutes,
  ...keyRoutes,
  ...refusalRoutes,
  ...auditEventRoutes,
  ...reloadRoutes,
]
