// `max_age` (OIDC Core §3.1.2.1), in seconds.
import { invalidRequest } from '../../model/oauth-errors.ts'
import type { ReceivedFromClient } from './known.ts'

export function parseMaxAge({ parameters }: ReceivedFromClient): { max_age: number | undefined } {
  const text = parameters.get('max_age')
  if (text === null) return { max_age: undefined }
  if (/^\d{1,10}$/.test(text)) return { max_age: Number(text) }
  throw invalidRequest({
    description: 'max_age must be a whole number of seconds',
    check: 'max_age',
    expected: 'a whole number of seconds, zero or more',
    received: text,
    fix: 'correct the max_age parameter',
  })
}
