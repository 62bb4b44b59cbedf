// What the checks of an authorization request know of this provider: its present clients, scopes, external providers and keys.

import type { ProviderView } from '../protocol/authorization-request/known.ts'
import { mayRequestScope } from '../protocol/authorization-request/scope.ts'
import { requestableClaims } from '../protocol/claims.ts'
import { usableProviders } from '../protocol/login-choice.ts'
import type { RequestContext } from '../request/context.ts'
import { verifyJwt } from '../signing-keys/signing.ts'

export function providerView(context: RequestContext): ProviderView {
  const { configuration } = context
  const { scopes, settings, externalProviders } = configuration
  return {
    findClient: (clientId) => configuration.findClient(clientId),
    isEnabledScope: (scope) => scopes.get(scope)?.enabled === true,
    requestableClaims: (client) => requestableClaims(scopes, (scope) => mayRequestScope(client, scope)),
    isUsableIdp: (idp) =>
      idp === 'local'
        ? settings.allow_local_accounts
        : usableProviders(externalProviders).some((provider) => provider.provider_id === idp),
    verifyIdToken: async (token) =>
      (await verifyJwt(context, token, { typ: ['JWT'], allowRetiredForHint: true }))?.claims,
  }
}
