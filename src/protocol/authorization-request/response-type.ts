// `response_type` (RFC 6749 §3.1.1): only the authorization code flow, because tokens in a URL leak (RFC 9700 §2.1.2).
import { invalidRequest, unsupportedResponseType } from '../../model/oauth-errors.ts'
import type { ReceivedFromClient } from './known.ts'

export function checkResponseType({ parameters }: ReceivedFromClient): void {
  const responseType = parameters.get('response_type')
  if (responseType === 'code') return
  const detail = {
    check: 'response_type',
    expected: 'code',
    received: responseType ?? '(none)',
    fix: 'use the authorization code flow: tokens are never sent in a URL',
  }
  throw responseType
    ? unsupportedResponseType({ description: 'response_type must be code', ...detail })
    : invalidRequest({ description: 'response_type is missing', ...detail })
}
