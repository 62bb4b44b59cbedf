// The grant types of the token endpoint (RFC 6749 §1.3, §6): the one list that discovery, the administration API and the token endpoint read.

export const grantTypes = ['authorization_code', 'refresh_token', 'client_credentials'] as const
export type GrantType = (typeof grantTypes)[number]

export const isGrantType = (name: string | null): name is GrantType => grantTypes.some((each) => each === name)

/** The grant types that begin with the sign-in of a user. */
const signInGrantTypes: readonly GrantType[] = ['authorization_code']

interface Registered {
  grant_types: readonly GrantType[]
}

/** Whether users sign in to the client: only then may it have the scopes openid and offline_access. */
export const signsInUsers = ({ grant_types }: Registered): boolean =>
  grant_types.some((each) => signInGrantTypes.includes(each))

/** A refresh token continues a sign-in and follows the Offline setting, so refresh_token need not be registered. */
export const mayUseGrantType = (client: Registered, grantType: GrantType): boolean =>
  grantType === 'refresh_token' ? signsInUsers(client) : client.grant_types.includes(grantType)
