// `response_type` (RFC 6749 §3.1.1): the authorization code flow alone, since tokens in a URL leak (RFC 9700 §2.1.2).
import { OAuthError } from '../../model/errors.ts'
import type { ReceivedFromClient } from './known.ts'

export function checkResponseType({ parameters }: ReceivedFromClient): void {
  const responseType = parameters.get('response_type')
  if (responseType === 'code') return
  const code = responseType ? 'unsupported_response_type' : 'invalid_request'
  throw new OAuthError(code, responseType ? 'response_type must be code' : 'response_type is missing', {
    check: 'response_type',
    expected: 'code',
    received: responseType ?? '(none)',
    fix: 'use the authorization code flow: tokens are never sent in a URL',
  })
}
