// Parses the authorization response of an external provider (RFC 6749 §4.1.2, OIDC Core §3.1.2.5, RFC 9207 §2.4). The state was verified before.

import type { ExternalProvider, ProviderMetadata } from '../../model/external-provider.ts'
import { BrokeringError, type BrokeringFailure, type PublicCause } from '../../model/login-attempt.ts'
import { printable } from '../../model/untrusted-text.ts'
import { fitsIssuer } from './issuer-template.ts'

type Rules = Pick<ExternalProvider, 'allow_all_issuers' | 'valid_issuers'>

/** Returns the code. Throws BrokeringError. */
export function parseCallback(parameters: URLSearchParams, metadata: ProviderMetadata, rules: Rules): string {
  requireOnce(parameters)
  // RFC 9207 §2.4: the issuer is checked first, before an error too.
  checkIssuer(parameters.get('iss'), metadata, rules)
  const error = parameters.get('error')
  if (error !== null) throw providerRefused(error, parameters.get('error_description') ?? '')
  const code = parameters.get('code')
  if (code) return code
  throw invalid({ check: 'code', cause: 'The provider sent the browser back with neither a code nor an error.' })
}

/** RFC 6749 §3.1: a repeated parameter is refused, because two parties may read different values. */
function requireOnce(parameters: URLSearchParams): void {
  for (const name of ['code', 'state', 'iss', 'error', 'error_description'] as const) {
    if (parameters.getAll(name).length > 1)
      throw invalid({ check: name, cause: `The provider's answer has the parameter ${name} twice.` })
  }
}

function checkIssuer(iss: string | null, metadata: ProviderMetadata, rules: Rules): void {
  if (iss === null) {
    if (!metadata.authorization_response_iss_parameter_supported) return
    const cause = "The provider's answer lacks the parameter iss, which its metadata promises (RFC 9207)."
    throw invalid({ check: 'iss', cause })
  }
  if (fitsIssuer({ issuer: metadata.issuer, ...rules }, iss)) return
  throw new BrokeringError({
    step: 'callback',
    check: 'iss',
    publicCause: 'invalid_answer',
    cause: `The answer's issuer is ${printable(iss)}, but this provider expects ${metadata.issuer}.`,
    fix: 'Allow additional issuers and add this one, or correct the metadata endpoint.',
  })
}

/** RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6: what an error means for the person. Any other error is reported as a failure. */
const causes = new Map<string, PublicCause>([
  ['access_denied', 'denied'],
  ['login_required', 'denied'],
  ['interaction_required', 'denied'],
  ['consent_required', 'denied'],
  ['account_selection_required', 'denied'],
  // Error codes of Facebook and Apple.
  ['user_denied', 'denied'],
  ['user_cancelled_login', 'denied'],
  ['user_cancelled_authorize', 'denied'],
  // OpenID Connect Core Error Code unmet_authentication_requirements.
  ['unmet_authentication_requirements', 'too_weak'],
  ['temporarily_unavailable', 'unreachable'],
  ['server_error', 'unreachable'],
])

function providerRefused(error: string, description: string): BrokeringError {
  const publicCause = causes.get(error) ?? 'invalid_answer'
  const isRefusal = publicCause === 'denied' || publicCause === 'too_weak'
  return new BrokeringError({
    step: 'callback',
    check: 'provider_error',
    publicCause,
    cause: `The provider answered ${said(error, description)}.`,
    fix: isRefusal
      ? 'Nothing, if the person said no; otherwise ask the administrator of the provider who may sign in and what is required.'
      : "Compare client id, redirect URI and scopes with what the provider registered, or look into the provider's own log.",
    outcome: isRefusal ? 'refused' : 'failed',
  })
}

/** Returns the error of a response, bounded and printable. */
export const said = (error: string, description: string): string =>
  description === '' ? `"${printable(error)}"` : `"${printable(error)}": "${printable(description)}"`

function invalid(fault: Pick<BrokeringFailure, 'check' | 'cause'>): BrokeringError {
  const fix = 'Tell the administrator of the provider: its answer is not what OpenID Connect asks for.'
  return new BrokeringError({ step: 'callback', publicCause: 'invalid_answer', ...fault, fix })
}
