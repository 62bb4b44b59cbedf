// Is this instance able to serve, and if not, which part fails? No secrets, no names.
import type { RequestContext } from '../context.ts'
import type { Incoming } from '../incoming.ts'

export async function health(_: Incoming, context: RequestContext): Promise<Response> {
  const { configuration, now } = context
  const secondsSinceConfirmed = Math.round((now - configuration.confirmedAt) / 1000)
  const database = secondsSinceConfirmed <= 15 ? 'ok' : 'not answering, serving what is remembered'
  const signing = configuration.keys.filter((key) => key.state === 'active').map((key) => key.kid)
  const body = {
    status: database === 'ok' ? 'ok' : 'degraded',
    issuer: context.settings.issuer,
    database,
    configuration: { epoch: configuration.epoch, seconds_since_confirmed: secondsSinceConfirmed },
    signing_keys: signing,
  }
  return Response.json(body, { headers: { 'cache-control': 'no-store' } })
}
