// The `jti` of an access token says who can revoke it: it is sealed and leads to the user's Subject and grant, or it names a token of
// client_credentials, which belongs to no Subject.

import { newId, newSecret, openHandle, sealHandle } from '../grants/handles.ts'
import type { RequestContext } from '../request/context.ts'

/** `person`: kept by a Subject; `client`: of client_credentials; `foreign`: of another instance that shares our key. */
export type TokenOwner =
  | { kind: 'person'; subject_ref: string; grant_id: string }
  | { kind: 'client' }
  | { kind: 'foreign' }

export const clientTokenPrefix = 'c.'

export const newClientTokenId = (): string => clientTokenPrefix + newId()

/** Fresh each time. Nobody but us can read from it whose token it is. */
export const newGrantTokenId = (context: RequestContext, subjectRef: string, grantId: string): Promise<string> =>
  sealHandle(context, 'token-id', { subject_ref: subjectRef, id: grantId, secret: newSecret().subarray(0, 16) })

export async function ownerOf(context: RequestContext, jti: string): Promise<TokenOwner> {
  if (jti.startsWith(clientTokenPrefix)) return { kind: 'client' }
  const handle = await openHandle(context, 'token-id', jti)
  return handle ? { kind: 'person', subject_ref: handle.subject_ref, grant_id: handle.id } : { kind: 'foreign' }
}
