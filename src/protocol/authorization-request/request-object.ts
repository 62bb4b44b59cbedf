// Parameters that this provider does not support; each has an error code of its own (OIDC Core §3.1.2.6).
import { unsupportedParameter } from '../../model/oauth-errors.ts'
import type { ReceivedFromClient } from './known.ts'

/** OIDC Core §6.1. */
export const refuseRequest = (known: ReceivedFromClient): void => refuse(known, 'request')

/** OIDC Core §6.2. The address is untrusted and never fetched. */
export const refuseRequestUri = (known: ReceivedFromClient): void => refuse(known, 'request_uri')

/** OIDC Core §7.2.1. */
export const refuseRegistration = (known: ReceivedFromClient): void => refuse(known, 'registration')

function refuse({ parameters }: ReceivedFromClient, name: 'request' | 'request_uri' | 'registration'): void {
  if (!parameters.has(name)) return
  throw unsupportedParameter(name, {
    description: `the ${name} parameter is not supported`,
    check: name,
    expected: 'an authorization request in plain parameters',
    received: `a ${name} parameter`,
    fix: `let the application send its parameters without ${name}`,
  })
}
