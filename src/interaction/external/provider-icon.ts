// The icon on a provider's button, as an image of its own: never within a page, where an SVG could run (SECURITY-CASES D06).

import { OAuthError } from '../../model/errors.ts'
import type { ExternalProvider } from '../../model/external-provider.ts'
import { parseIcon } from '../../pages/icon.ts'
import type { RequestContext } from '../../request/context.ts'
import type { Incoming } from '../../request/incoming.ts'

const fieldOf: Record<string, 'sign_in_icon' | 'sign_out_icon' | undefined> = {
  'sign-in': 'sign_in_icon',
  'sign-out': 'sign_out_icon',
}

/** `GET /external/icon?provider=ID&for=sign-in|sign-out`. Pages add `v`, which changes with the record. Throws invalid_request with status 404. */
export async function providerIcon(context: RequestContext, { request, parameters }: Incoming): Promise<Response> {
  const id = parameters.get('provider')
  const provider = context.configuration.externalProviders.find((each) => each.provider_id === id && each.enabled)
  const icon = provider && iconOf(provider, parameters.get('for') ?? '')
  if (!icon) throw noIcon()
  const headers = {
    'content-type': icon.type,
    // Should somebody open it by itself: no script, no origin, nothing loaded.
    'content-security-policy': "sandbox; default-src 'none'; style-src 'unsafe-inline'",
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'public, max-age=86400',
  }
  return new Response(request.method === 'HEAD' ? null : icon.bytes, { headers })
}

function noIcon(): OAuthError {
  const detail = { check: 'icon', expected: 'an enabled provider with an icon for=sign-in or for=sign-out' }
  return new OAuthError('invalid_request', 'there is no such icon', detail, { status: 404 })
}

function iconOf(provider: ExternalProvider, purpose: string) {
  const field = Object.hasOwn(fieldOf, purpose) ? fieldOf[purpose] : undefined
  const dataUrl = field && provider[field]
  const parsed = dataUrl ? parseIcon(dataUrl) : undefined
  return parsed && 'icon' in parsed ? parsed.icon : undefined
}
