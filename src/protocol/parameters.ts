// Query strings and form bodies → parameters (RFC 6749 §3.1, §3.2, appendix B).

import type { OAuthError } from '../model/errors.ts'
import { invalidRequest } from '../model/oauth-errors.ts'
import { printable } from '../model/untrusted-text.ts'

const mostParameters = 100
/** Parameters that may be repeated (RFC 8707 §2). */
const repeatable = new Set(['resource', 'audience'])

/**
 * Parses `application/x-www-form-urlencoded` text strictly. Empty values count as absent (RFC 6749 §3.1). Throws invalid_request on a
 * repeated parameter, broken percent-encoding, bytes that are not UTF-8, NUL, or more than 100 parameters.
 */
export function parseParameters(text: string): URLSearchParams {
  if (text === '') return new URLSearchParams()
  if (/%(?![\da-f]{2})/i.test(text)) throw malformed({ expected: 'complete percent-encoding', received: 'a stray %' })
  let count = 1
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', at + 1)) count += 1
  if (count > mostParameters)
    throw malformed({ expected: `at most ${mostParameters} parameters`, received: `${count}` })

  const parameters = new URLSearchParams(text)
  const seen = new Set<string>()
  const empty: string[] = []
  parameters.forEach((value, name) => {
    if (value.includes('\u0000') || value.includes('\ufffd') || name.includes('\ufffd')) {
      throw malformed({ expected: 'UTF-8 text without NUL', received: `something else in ${printable(name, 40)}` })
    }
    if (value === '') empty.push(name)
    else if (seen.has(name) && !repeatable.has(name))
      throw malformed({ expected: 'each parameter once', received: `${printable(name, 40)} again` })
    else seen.add(name)
  })
  for (const name of empty) parameters.delete(name, '')
  return parameters
}

const malformed = ({ expected, received }: { expected: string; received: string }): OAuthError =>
  invalidRequest({
    description: `the parameters are malformed: expected ${expected}`,
    check: 'parameters',
    expected,
    received,
    fix: 'encode the parameters as application/x-www-form-urlencoded, each once',
  })
