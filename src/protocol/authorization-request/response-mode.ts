// `response_mode` (OAuth 2.0 Multiple Response Type Encoding Practices §2.1).
import { invalidRequest } from '../../model/oauth-errors.ts'
import { defaultResponseMode, responseModes } from '../authorization-response/response-modes.ts'
import type { Received, ReceivedFromClient } from './known.ts'

/** The mode of the response, errors included: the requested mode if it is supported, else the default. */
export function parseResponseMode({ parameters }: Received): { response_mode: string } {
  const requested = parameters.get('response_mode')
  return { response_mode: requested !== null && responseModes.has(requested) ? requested : defaultResponseMode }
}

/** Refuses an unsupported mode once the redirect_uri is trusted; the error is sent by the default mode. */
export function checkResponseMode({ parameters }: ReceivedFromClient): void {
  const requested = parameters.get('response_mode')
  if (requested === null || responseModes.has(requested)) return
  const modes = [...responseModes.keys()].join(' or ')
  throw invalidRequest({
    description: `response_mode must be ${modes}`,
    check: 'response_mode',
    expected: modes,
    received: requested,
    fix: 'leave response_mode out, or use one of these',
  })
}
