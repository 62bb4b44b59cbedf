// `response_mode` (OAuth 2.0 Multiple Response Type Encoding Practices §2.1).
import { invalidRequest } from '../../model/oauth-errors.ts'
import { defaultResponseMode, responseModes } from '../authorization-response/response-modes.ts'
import type { Received, ReceivedFromClient } from './known.ts'

/** The mode of the answer, whatever the answer will be: an error, too, travels by the mode that was asked for, if there is such a mode. */
export function parseResponseMode({ parameters }: Received): { response_mode: string } {
  const asked = parameters.get('response_mode')
  return { response_mode: asked !== null && responseModes.has(asked) ? asked : defaultResponseMode }
}

export function checkResponseMode({ parameters }: ReceivedFromClient): void {
  const asked = parameters.get('response_mode')
  if (asked === null || responseModes.has(asked)) return
  const modes = [...responseModes.keys()].join(' or ')
  throw invalidRequest({
    description: `response_mode must be ${modes}`,
    check: 'response_mode',
    expected: modes,
    received: asked,
    fix: 'leave response_mode out, or use one of these',
  })
}
