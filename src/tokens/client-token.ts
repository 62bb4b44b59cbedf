// Revocation of client_credentials tokens. They belong to no Subject, so OneTime stores the revoked ones.

import { askOneTime } from '../grants/one-time/ask-one-time.ts'
import type { RequestContext } from '../request/context.ts'
import { clientTokenPrefix } from './token-id.ts'

const shards = 16

const shardOf = (jti: string): string => `revoked:${jti.charCodeAt(clientTokenPrefix.length) % shards}`

/** One hop. `expiresAt` in milliseconds. */
export const revokeClientToken = (context: RequestContext, jti: string, expiresAt: number): Promise<void> =>
  askOneTime(context, shardOf(jti), (oneTime) => oneTime.revoke(jti, expiresAt, context.now))

/** One hop. `expiresAt` in milliseconds, as for `revokeClientToken`. */
export const isClientTokenRevoked = (context: RequestContext, jti: string, expiresAt: number): Promise<boolean> =>
  askOneTime(context, shardOf(jti), (oneTime) => oneTime.isRevoked(jti, expiresAt))
