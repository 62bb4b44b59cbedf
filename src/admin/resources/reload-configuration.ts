// Makes every isolate read the whole configuration again, after D1 was changed by other means such as a restore.
import { commit } from '../../request/commit.ts'
import { type AdminRoute, done, route } from '../admin-route.ts'

export const reloadRoutes: AdminRoute[] = [
  route({
    method: 'POST',
    path: 'reload',
    summary: 'Make every isolate read the configuration again',
    async handle(context) {
      await commit(context, {
        action: 'configuration.reload',
        target: 'all',
        concerns: [{ kind: 'all' }],
        statements: () => [],
      })
      return done
    },
  }),
]
