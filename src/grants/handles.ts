// Handles: codes, refresh tokens, session cookies and token ids, each of which leads to a row of a Subject (DESIGN §3). A handle is sealed,
// so that its holder cannot see which user it belongs to. The Subject stores only the hash of its secret.

import { base64url, concatBytes, parseBase64url, randomBytes } from '../crypto/encoding.ts'
import type { RequestContext } from '../request/context.ts'

export type HandlePurpose = 'code' | 'refresh-token' | 'session' | 'token-id'

export interface Handle {
  /** Address of the Subject. */
  subject_ref: string
  /** The grant or session in that Subject. */
  id: string
  secret: Uint8Array<ArrayBuffer>
}

const idLength = 16
const secretLength = 32

/** 16 random bytes, base64url. */
export const newId = (): string => base64url(randomBytes(idLength))

export const newSecret = (): Uint8Array<ArrayBuffer> => randomBytes(secretLength)

export async function hashSecret(secret: Uint8Array<ArrayBuffer>): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', secret)))
}

/** Throws if an id is not 16 bytes. */
export function sealHandle(context: RequestContext, purpose: HandlePurpose, handle: Handle): Promise<string> {
  const [reference, id] = [parseBase64url(handle.subject_ref), parseBase64url(handle.id)]
  if (reference?.length !== idLength || id?.length !== idLength) throw new Error('a handle needs two ids of 16 bytes')
  return context.issuer.sealer.seal(purpose, concatBytes(reference, id, handle.secret))
}

/** Returns undefined if this server did not seal it for this purpose. */
export async function openHandle(
  context: RequestContext,
  purpose: HandlePurpose,
  sealed: string,
): Promise<Handle | undefined> {
  const bytes = await context.issuer.sealer.open(purpose, sealed)
  if (!bytes || bytes.length <= 2 * idLength) return undefined
  return {
    subject_ref: base64url(bytes.subarray(0, idLength)),
    id: base64url(bytes.subarray(idLength, 2 * idLength)),
    secret: bytes.slice(2 * idLength),
  }
}
