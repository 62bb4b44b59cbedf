// The `jti` of an access token leads to the place where it can be revoked: it is a sealed handle of the user's Subject and grant, or it begins
// with `c.` for a token of client_credentials, which belongs to no Subject.

import { newId, newSecret, openHandle, sealHandle } from '../grants/handles.ts'
import type { RequestContext } from '../request/context.ts'

/** `person`: its grant is in a Subject. `client`: a client_credentials token. `foreign`: issued by another instance that shares our key. */
export type TokenOwner =
  | { kind: 'person'; subject_ref: string; grant_id: string }
  | { kind: 'client' }
  | { kind: 'foreign' }

export const clientTokenPrefix = 'c.'

export const newClientTokenId = (): string => clientTokenPrefix + newId()

/** A new id at each call. It is sealed, so that only this server can read which user and grant it belongs to. */
export const newGrantTokenId = (context: RequestContext, subjectRef: string, grantId: string): Promise<string> =>
  sealHandle(context, 'token-id', { subject_ref: subjectRef, id: grantId, secret: newSecret().subarray(0, 16) })

export async function ownerOf(context: RequestContext, jti: string): Promise<TokenOwner> {
  if (jti.startsWith(clientTokenPrefix)) return { kind: 'client' }
  const handle = await openHandle(context, 'token-id', jti)
  return handle ? { kind: 'person', subject_ref: handle.subject_ref, grant_id: handle.id } : { kind: 'foreign' }
}
