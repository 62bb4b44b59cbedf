// Proof Key for Code Exchange: S256 only (RFC 7636; RFC 9700 §2.1.1 advises against `plain`).
import { OAuthError } from '../../model/errors.ts'

/** The challenge of an authorization request, or undefined. Throws invalid_request; `isRequired` is the client's setting. */
export function parseCodeChallenge(parameters: URLSearchParams, isRequired: boolean): string | undefined {
  const challenge = parameters.get('code_challenge')
  const method = parameters.get('code_challenge_method')
  if (!challenge) {
    if (isRequired || method) {
      throw refused(
        'a code_challenge is required',
        'code_challenge',
        'no code_challenge',
        'let the application use PKCE with S256',
      )
    }
    return undefined
  }
  // RFC 7636 §4.3: absent means plain.
  if (method !== 'S256') {
    throw refused(
      'code_challenge_method must be S256',
      'S256',
      method ?? 'none, which means plain',
      'use code_challenge_method=S256',
    )
  }
  // The base64url of a SHA-256 hash has 43 characters, never more or fewer.
  if (!/^[\w-]{43}$/.test(challenge)) {
    const fix = 'send BASE64URL(SHA256(code_verifier)) without padding'
    throw refused(
      'code_challenge is not an S256 challenge',
      '43 base64url characters',
      `${challenge.length} characters`,
      fix,
    )
  }
  return challenge
}

/** RFC 7636 §4.1: 43 to 128 unreserved characters. */
export const isCodeVerifier = (text: string): boolean => /^[\w.~-]{43,128}$/.test(text)

function refused(description: string, expected: string, received: string, fix: string): OAuthError {
  return new OAuthError('invalid_request', description, { check: 'pkce', expected, received, fix })
}
