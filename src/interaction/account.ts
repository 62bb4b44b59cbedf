// Pages without a client: the start page, the home of a person, and signing out here.
import { askSubject, type RequestContext } from '../context.ts'
import { base64url, randomBytes } from '../crypto/encoding.ts'
import { newId } from '../identity/handles.ts'
import { clearedSessionCookie, readSession, stateCookie } from '../identity/sessions.ts'
import type { Incoming } from '../incoming.ts'
import { renderAccount, renderSignedOut } from '../pages/account.tsx'
import { renderHome } from '../pages/home.tsx'
import { requireOwnForm } from './form-guard.ts'
import { sealInteraction } from './interaction.ts'
import { frameOf, htmlPage, seeOther } from './page.ts'
import { displayName } from './person-page.ts'

export async function home({ request }: Incoming, context: RequestContext): Promise<Response> {
  const frame = frameOf(request, context)
  const { issuer, basePath, playground } = context.settings
  return htmlPage(renderHome({ frame, issuer, playground, signInHref: `${basePath}/account` }), frame.nonce)
}

/** Anonymous visitors are sent to sign in first. */
export async function account({ request }: Incoming, context: RequestContext): Promise<Response> {
  const { basePath } = context.settings
  const session = await readSession(request, context)
  const found =
    session &&
    (await askSubject(context, session.subject_ref, (subject) => subject.findSession(session.proof, context.now)))
  if (!found) {
    const begun = await sealInteraction(request, context, { id: newId(), started_at: context.now })
    return seeOther(`${basePath}/account/login?interaction=${begun.sealed}`, begun.cookies)
  }
  const { claims } = found.person
  const frame = frameOf(request, context)
  const html = renderAccount({
    frame,
    user: displayName(found.person),
    username: String(claims.preferred_username ?? ''),
    ...(typeof claims.email === 'string' ? { email: claims.email } : {}),
    signOutAction: `${basePath}/account/logout`,
  })
  return htmlPage(html, frame.nonce)
}

/** POST: ends the session of this browser, and what it gave. */
export async function signOut({ request }: Incoming, context: RequestContext): Promise<Response> {
  requireOwnForm(request, context)
  const session = await readSession(request, context)
  if (session) await askSubject(context, session.subject_ref, (subject) => subject.signOut(session.proof, context.now))
  const frame = frameOf(request, context)
  const html = renderSignedOut({ frame, signInHref: `${context.settings.basePath}/account` })
  const cookies = [clearedSessionCookie(context), stateCookie(context, base64url(randomBytes(16)))]
  return htmlPage(html, frame.nonce, { cookies })
}
