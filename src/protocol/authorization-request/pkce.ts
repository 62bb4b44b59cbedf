// Proof Key for Code Exchange: the code_challenge of the authorization request and the code_verifier of the token request. S256 only
// (RFC 7636; RFC 9700 §2.1.1 advises against `plain`).
import { sha256 } from '../../crypto/encoding.ts'
import { isPublicClient } from '../../model/client.ts'
import type { OAuthError, RefusalDetail } from '../../model/errors.ts'
import { invalidRequest } from '../../model/oauth-errors.ts'
import type { ReceivedFromClient, Redirectable, WithClient } from './known.ts'

/** `code_challenge` and `code_challenge_method` (RFC 7636 §4.3), if they were sent. Throws invalid_request unless they are an S256 challenge. */
export function parseCodeChallenge({ parameters }: ReceivedFromClient): { code_challenge: string | undefined } {
  const challenge = parameters.get('code_challenge')
  const method = parameters.get('code_challenge_method')
  if (!challenge) {
    if (method) throw missingChallenge()
    return { code_challenge: undefined }
  }
  // RFC 7636 §4.3: an absent method means plain.
  if (method !== 'S256') {
    const received = method ?? 'none, which means plain'
    throw invalidRequest({
      description: 'code_challenge_method must be S256',
      check: 'pkce',
      expected: 'S256',
      received,
      fix: 'use code_challenge_method=S256',
    })
  }
  // A SHA-256 hash in base64url has exactly 43 characters.
  if (!/^[\w-]{43}$/.test(challenge)) {
    throw invalidRequest({
      description: 'code_challenge is not an S256 challenge',
      check: 'pkce',
      expected: '43 base64url characters',
      received: `${challenge.length} characters`,
      fix: 'send BASE64URL(SHA256(code_verifier)) without padding',
    })
  }
  return { code_challenge: challenge }
}

/** RFC 9700 §2.1.1: public clients must use PKCE; confidential clients must if `require_pkce` is set. */
export function requireCodeChallenge({
  code_challenge,
  client,
}: { code_challenge?: string | undefined } & WithClient & Redirectable): void {
  if (code_challenge === undefined && (client.require_pkce || isPublicClient(client))) throw missingChallenge()
}

const missingChallenge = (): OAuthError =>
  invalidRequest({
    description: 'a code_challenge is required',
    check: 'pkce',
    expected: 'code_challenge',
    received: 'no code_challenge',
    fix: 'let the application use PKCE with S256',
  })

/** RFC 7636 §4.1: 43 to 128 unreserved characters. */
export const isCodeVerifier = (text: string): boolean => /^[\w.~-]{43,128}$/.test(text)

/** RFC 7636 §4.6: the S256 challenge of a code_verifier, `null` without a verifier. A verifier that §4.1 does not allow matches no challenge. */
export async function challengeOf(verifier: string | null): Promise<string | null> {
  if (verifier === null) return null
  return isCodeVerifier(verifier)
    ? sha256(verifier)
    : '(a code_verifier with a length or character that is not allowed)'
}

/**
 * RFC 7636 §4.6: compares the challenge of the authorization request with `presented`, the challenge of the verifier in the token request.
 * Returns undefined if they are equal. A verifier without a challenge is a downgrade attack (RFC 9700 §4.8.2), refused like a wrong verifier.
 */
export function codeVerifierFault(requested: string | undefined, presented: string | null): RefusalDetail | undefined {
  if ((requested ?? null) === presented) return undefined
  return {
    check: 'pkce',
    expected: requested
      ? `a code_verifier whose S256 is ${requested}`
      : 'no code_verifier, because the request had no code_challenge',
    received: presented ? `a code_verifier whose S256 is ${presented}` : 'no code_verifier',
    fix: 'keep the code_verifier of each authorization request and send it with the code of that request',
  }
}
