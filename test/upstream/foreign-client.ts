// An application that uses openid-client: it keeps the checks of a request until the response, and exchanges the code for tokens.
import * as oidc from 'openid-client'

export interface SentRequest {
  url: URL
  checks: oidc.AuthorizationCodeGrantChecks
}

export interface ForeignClient {
  config: oidc.Configuration
  newRequest(parameters?: Record<string, string>): Promise<SentRequest>
  getTokens(callback: URL, sent: SentRequest): ReturnType<typeof oidc.authorizationCodeGrant>
}

export async function aForeignClient(
  issuer: string,
  clientId: string,
  secret: string,
  redirect_uri: string,
): Promise<ForeignClient> {
  const config = await oidc.discovery(new URL(issuer), clientId, undefined, oidc.ClientSecretBasic(secret), {
    execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
  })
  return {
    config,
    async newRequest(parameters = {}) {
      const checks = {
        pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
        expectedState: oidc.randomState(),
        expectedNonce: oidc.randomNonce(),
        ...(parameters.max_age ? { maxAge: Number(parameters.max_age) } : {}),
      }
      const url = oidc.buildAuthorizationUrl(config, {
        redirect_uri,
        scope: 'openid profile email',
        code_challenge: await oidc.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
        code_challenge_method: 'S256',
        state: checks.expectedState,
        nonce: checks.expectedNonce,
        ...parameters,
      })
      return { url, checks }
    },
    getTokens: (callback, { checks }) => oidc.authorizationCodeGrant(config, callback, checks),
  }
}
