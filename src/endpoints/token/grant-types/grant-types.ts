// The grant types of the token endpoint: a new one is one file and one line here.
import { authorizationCode } from './authorization-code.ts'
import { clientCredentials } from './client-credentials.ts'
import type { GrantType } from './grant-type.ts'
import { refreshToken } from './refresh-token.ts'

export const grantTypes: ReadonlyMap<string, GrantType> = new Map([
  ['authorization_code', authorizationCode],
  ['refresh_token', refreshToken],
  ['client_credentials', clientCredentials],
])
