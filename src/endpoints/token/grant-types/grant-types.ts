// The registry of grant types: a new one is its name in model/grant-type.ts, one file here, and one line below.
import type { GrantType } from '../../../model/grant-type.ts'
import { authorizationCode } from './authorization-code.ts'
import { clientCredentials } from './client-credentials.ts'
import type { GrantHandler } from './grant-handler.ts'
import { refreshToken } from './refresh-token.ts'

export const grantHandlers = {
  authorization_code: authorizationCode,
  refresh_token: refreshToken,
  client_credentials: clientCredentials,
} satisfies Record<GrantType, GrantHandler>
