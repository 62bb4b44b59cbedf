// openid-client as an application: what it keeps of a request until the answer comes, and the tokens of a code.
import * as oidc from 'openid-client'

export interface Sent {
  url: URL
  checks: oidc.AuthorizationCodeGrantChecks
}

export interface ForeignClient {
  config: oidc.Configuration
  newRequest(parameters?: Record<string, string>): Promise<Sent>
  getTokens(callback: URL, sent: Sent): ReturnType<typeof oidc.authorizationCodeGrant>
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
