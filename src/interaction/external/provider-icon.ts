// The icon of an external provider's button, served as a separate image. It is never inlined in a page, where an SVG could run scripts
// (SECURITY-CASES D06).

import type { OAuthError } from '../../model/errors.ts'
import type { ExternalProvider } from '../../model/external-provider.ts'
import { invalidRequest } from '../../model/oauth-errors.ts'
import { parseIcon } from '../../pages/icon.ts'
import type { RequestContext } from '../../request/context.ts'
import type { Incoming } from '../../request/incoming.ts'

const fieldOf: Record<string, 'sign_in_icon' | 'sign_out_icon' | undefined> = {
  'sign-in': 'sign_in_icon',
  'sign-out': 'sign_out_icon',
}

/**
 * `GET /external/icon?provider=ID&for=sign-in|sign-out`. Pages add `v`, which changes with the record. Throws invalid_request with status 404
 * if there is no such icon.
 */
export async function providerIcon(context: RequestContext, { request, parameters }: Incoming): Promise<Response> {
  const id = parameters.get('provider')
  const provider = context.configuration.externalProviders.find((each) => each.provider_id === id && each.enabled)
  const icon = provider && iconOf(provider, parameters.get('for') ?? '')
  if (!icon) throw noIcon()
  const headers = {
    'content-type': icon.type,
    // If the image is opened on its own, it runs no script, has no origin and loads nothing.
    'content-security-policy': "sandbox; default-src 'none'; style-src 'unsafe-inline'",
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'public, max-age=86400',
  }
  return new Response(request.method === 'HEAD' ? null : icon.bytes, { headers })
}

function noIcon(): OAuthError {
  return invalidRequest({
    description: 'there is no such icon',
    status: 404,
    check: 'icon',
    expected: 'an enabled provider with an icon for=sign-in or for=sign-out',
  })
}

function iconOf(provider: ExternalProvider, purpose: string) {
  const field = Object.hasOwn(fieldOf, purpose) ? fieldOf[purpose] : undefined
  const dataUrl = field && provider[field]
  const parsed = dataUrl ? parseIcon(dataUrl) : undefined
  return parsed && 'icon' in parsed ? parsed.icon : undefined
}
