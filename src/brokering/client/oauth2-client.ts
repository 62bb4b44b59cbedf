// Sign-in by an OAuth 2.0 server without ID tokens (GitHub, Facebook): its API identifies the person, by the access token that the code was exchanged for.

import type { ExternalProvider, ProviderMetadata, UpstreamLogin } from '../../model/external-provider.ts'
import { BrokeringError } from '../../model/login-attempt.ts'
import { isSubject } from '../../protocol/id-token/id-token-checks.ts'
import type { RequestContext } from '../../request/context.ts'
import type { Budget } from './provider-fetch.ts'
import type { UpstreamTokens } from './token-request.ts'
import { fetchUserinfo } from './userinfo-request.ts'

/** One hop. Throws BrokeringError. */
export async function oauth2Login(
  context: RequestContext,
  provider: ExternalProvider,
  metadata: ProviderMetadata,
  tokens: UpstreamTokens,
  budget: Budget,
): Promise<UpstreamLogin> {
  const document = await fetchUserinfo(context, provider, metadata, tokens, budget)
  const subject = subjectOf(document)
  if (subject !== undefined) {
    // The issuer is ours to state: the document cannot claim another one.
    return { issuer: metadata.issuer, subject, claims: { ...document, iss: metadata.issuer, sub: subject } }
  }
  throw new BrokeringError({
    step: 'userinfo',
    check: 'subject',
    publicCause: 'invalid_answer',
    cause: 'The user-info endpoint names the person neither by sub nor by id.',
    fix: 'Correct the user-info endpoint: its document must have an unchanging id of the person.',
    known: { issuer: metadata.issuer, claims: document },
  })
}

/** Returns the subject, which is never a name or an address, since those change hands. GitHub's ids are numbers. */
function subjectOf({ sub, id }: Record<string, unknown>): string | undefined {
  const value = sub ?? id
  const text = Number.isSafeInteger(value) ? String(value) : value
  return isSubject(text) ? text : undefined
}
