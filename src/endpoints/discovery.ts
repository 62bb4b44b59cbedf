// The public documents: discovery (OIDC Discovery §3, RFC 8414 §2) and JWKS (RFC 7517 §5), with entity tags for caches.

import { confidentialMethodNames, publicMethodNames } from '../clients/authentication/methods.ts'
import { acceptedAlgorithms } from '../crypto/accepted-algorithms.ts'
import { base64url, utf8 } from '../crypto/encoding.ts'
import { grantTypes } from '../model/grant-type.ts'
import { responseModes } from '../protocol/authorization-response/response-modes.ts'
import { addressOf, paths } from '../request/addresses.ts'
import type { RequestContext } from '../request/context.ts'
import type { Incoming } from '../request/incoming.ts'
import { publishedJwks } from '../signing-keys/jwks.ts'

/** The discovery document of the last configuration epoch that was asked for. */
let remembered: { issuer: string; epoch: number; body: string; etag: string } | undefined

export async function discovery(context: RequestContext, { request }: Incoming): Promise<Response> {
  const { url: issuer } = context.issuer
  const { epoch, settings } = context.configuration
  if (remembered?.issuer !== issuer || remembered.epoch !== epoch) {
    const body = JSON.stringify(metadata(context))
    remembered = { issuer, epoch, body, etag: await entityTag(body) }
  }
  return cacheable(request, remembered.body, remembered.etag, settings.discovery_max_age)
}

export async function jwks(context: RequestContext, { request }: Incoming): Promise<Response> {
  const { body, etag, isEmpty } = await publishedJwks(context)
  // A client that cached an empty set would refuse the first token.
  if (isEmpty)
    return new Response(body, { headers: { 'content-type': 'application/json', 'cache-control': 'no-store' } })
  return cacheable(request, body, etag, context.configuration.settings.jwks_max_age)
}

function cacheable(request: Request, body: string, etag: string, maxAge: number): Response {
  const headers = { 'content-type': 'application/json', 'cache-control': `public, max-age=${maxAge}`, etag }
  const known = request.headers.get('if-none-match')
  if (known?.split(',').some((each) => each.trim().replace(/^W\//, '') === etag)) {
    return new Response(null, { status: 304, headers })
  }
  return new Response(request.method === 'HEAD' ? null : body, { headers })
}

async function entityTag(body: string): Promise<string> {
  return `"${base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(body))).subarray(0, 16))}"`
}

/** States only what is true. Members that a client does not need to find its way, such as prompt_values_supported, are left out. */
function metadata(context: RequestContext): Record<string, unknown> {
  const { issuer } = context
  const { settings, scopes } = context.configuration
  const published = [...scopes.values()].filter((scope) => scope.enabled && scope.published)
  const userClaims = published.flatMap((scope) => scope.claims.map((entry) => entry.claim))
  return {
    issuer: issuer.url,
    authorization_endpoint: addressOf(issuer, paths.authorize),
    token_endpoint: addressOf(issuer, paths.token),
    userinfo_endpoint: addressOf(issuer, paths.userinfo),
    jwks_uri: addressOf(issuer, paths.jwks),
    introspection_endpoint: addressOf(issuer, paths.introspection),
    revocation_endpoint: addressOf(issuer, paths.revocation),
    scopes_supported: published.map((scope) => scope.name),
    response_types_supported: ['code'],
    response_modes_supported: [...responseModes.keys()],
    grant_types_supported: grantTypes,
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: settings.signing_algs,
    token_endpoint_auth_methods_supported: [...confidentialMethodNames, ...publicMethodNames],
    token_endpoint_auth_signing_alg_values_supported: acceptedAlgorithms,
    introspection_endpoint_auth_methods_supported: confidentialMethodNames,
    introspection_endpoint_auth_signing_alg_values_supported: acceptedAlgorithms,
    revocation_endpoint_auth_methods_supported: [...confidentialMethodNames, ...publicMethodNames],
    revocation_endpoint_auth_signing_alg_values_supported: acceptedAlgorithms,
    code_challenge_methods_supported: ['S256'],
    acr_values_supported: ['1'],
    claims_supported: [
      ...new Set([
        'sub',
        'iss',
        'aud',
        'exp',
        'iat',
        'auth_time',
        'nonce',
        'acr',
        'amr',
        'sid',
        'at_hash',
        ...userClaims,
      ]),
    ],
    claim_types_supported: ['normal'],
    claims_parameter_supported: true,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    authorization_response_iss_parameter_supported: true,
    ui_locales_supported: ['en', 'nl', 'de'],
  }
}
