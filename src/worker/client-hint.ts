// Guesses which client a request concerns, before anything is verified. A cold isolate reads that client together with the rest of the configuration,
// so that the first request costs one round trip instead of two. A wrong guess costs one superfluous read.
import { fromUtf8, parseBase64url } from '../crypto/encoding.ts'
import { clientIdOf, type SealedRequest } from '../interaction/sealed-request.ts'
import type { Issuer } from '../request/issuer.ts'

export async function clientHint(
  request: Request,
  parameters: URLSearchParams,
  { sealer }: Issuer,
): Promise<string | undefined> {
  const named = parameters.get('client_id')
  if (named !== null) return named
  try {
    const interaction = parameters.get('interaction')
    if (interaction !== null) return await ofInteraction(interaction, sealer)
    const state = parameters.get('state')
    if (state !== null) return await ofExternalState(state, sealer)
    const [, scheme = '', credentials = ''] = /^(\w+) +(\S+)$/.exec(request.headers.get('authorization') ?? '') ?? []
    if (/^basic$/i.test(scheme))
      return new URLSearchParams(`id=${atob(credentials).split(':', 1)[0]}`).get('id') ?? undefined
    const token = /^bearer$/i.test(scheme)
      ? credentials
      : (parameters.get('client_assertion') ?? parameters.get('access_token'))
    return token ? ofToken(token) : undefined
  } catch {
    return undefined
  }
}

async function ofInteraction(sealed: string, sealer: Issuer['sealer']): Promise<string | undefined> {
  const opened = await sealer.open('interaction', sealed)
  return opened && clientIdOf(JSON.parse(fromUtf8(opened)) as SealedRequest)
}

/** The client of a response from an external provider. */
async function ofExternalState(sealed: string, sealer: Issuer['sealer']): Promise<string | undefined> {
  const opened = await sealer.open('external-state', sealed)
  return opened && clientIdOf((JSON.parse(fromUtf8(opened)) as { interaction: SealedRequest }).interaction)
}

/** `client_id` of an access token, `sub` of a client assertion. */
function ofToken(token: string): string | undefined {
  const payload = parseBase64url(token.split('.')[1] ?? '')
  const claims = payload ? (JSON.parse(fromUtf8(payload)) as Record<string, unknown>) : {}
  const client = claims.client_id ?? claims.sub
  return typeof client === 'string' ? client : undefined
}
