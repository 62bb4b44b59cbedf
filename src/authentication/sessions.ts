// The session cookie, and the public state cookie that check_session compares (OIDC Session Management §3).

import { base64url, randomBytes, utf8 } from '../crypto/encoding.ts'
import { type Handle, hashSecret, openHandle, sealHandle } from '../grants/handles.ts'
import type { SessionProof } from '../grants/subject/sessions.ts'
import type { RequestContext } from '../request/context.ts'
import { readCookie } from '../request/incoming.ts'

export interface SessionCookie {
  subject_ref: string
  proof: SessionProof
}

/** The content of the session cookie. Only the Subject knows whether the session is still live. */
export async function readSession(context: RequestContext, request: Request): Promise<SessionCookie | undefined> {
  const value = readCookie(request, context.issuer.cookies.session)
  const handle = value && (await openHandle(context, 'session', value))
  if (!handle) return undefined
  return { subject_ref: handle.subject_ref, proof: { id: handle.id, secret_hash: await hashSecret(handle.secret) } }
}

/** `maxAge` is in seconds. Without it the cookie lasts until the browser closes. */
export async function sessionCookie(context: RequestContext, handle: Handle, maxAge?: number): Promise<string> {
  return cookie(context, context.issuer.cookies.session, await sealHandle(context, 'session', handle), maxAge)
}

export const clearedSessionCookie = (context: RequestContext): string =>
  cookie(context, context.issuer.cookies.session, '', 0)

/** HttpOnly, Lax, and on https `__Host-`. */
export function cookie(context: RequestContext, name: string, value: string, maxAge?: number): string {
  const secure = context.issuer.isLoopback ? '' : '; Secure'
  const age = maxAge === undefined ? '' : `; Max-Age=${maxAge}`
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Lax${secure}${age}`
}

/** Scripts in third-party frames read it, hence SameSite=None and Secure everywhere. It is worthless by itself. */
export function stateCookie(context: RequestContext, value: string): string {
  return `${context.issuer.cookies.state}=${value}; Path=/; SameSite=None; Secure`
}

/** Returns the browser's state value, and the Set-Cookie that creates it if there is none. */
export function browserState(context: RequestContext, request: Request): { value: string; setCookie?: string } {
  const known = readCookie(request, context.issuer.cookies.state)
  if (known && /^[\w-]{22}$/.test(known)) return { value: known }
  const value = base64url(randomBytes(16))
  return { value, setCookie: stateCookie(context, value) }
}

/** OIDC Session Management §2: salted hash over client, origin and browser state. */
export async function sessionState(clientId: string, redirectUri: string, state: string): Promise<string> {
  const salt = base64url(randomBytes(8))
  const { origin } = new URL(redirectUri)
  const digest = await crypto.subtle.digest('SHA-256', utf8(`${clientId} ${origin} ${state} ${salt}`))
  return `${base64url(new Uint8Array(digest))}.${salt}`
}

/** The `sid` of ID tokens: one per session and client, so that two clients cannot tell that they share a session. */
export async function clientSessionId(sessionId: string, clientId: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', utf8(`sid ${sessionId} ${clientId}`))
  return base64url(new Uint8Array(digest).subarray(0, 16))
}
