// Rows that are served only with PLAYGROUND=on, for development.
import { paths } from '../../request/addresses.ts'
import { type Handler, type Route, route } from '../../request/route.ts'
import { playgroundFile, redirectToPlayground } from './playground.ts'
import { noBody } from './rows.ts'

const development = (path: string, handler: Handler): Route =>
  route({
    path,
    handlers: { GET: handler },
    errors: 'page',
    crossOrigin: 'none',
    body: noBody,
    query: 'own',
    isServed: ({ deployment }) => deployment.playground,
  })

export const developmentRoutes: readonly Route[] = [
  development(paths.playground, redirectToPlayground),
  development(paths.playgroundFiles, playgroundFile),
]
