// Pages without a client: the start page, the account page of the signed-in person, and signing out.

import { clearedSessionCookie, readSession, stateCookie } from '../../authentication/sessions.ts'
import { base64url, randomBytes } from '../../crypto/encoding.ts'
import { newId } from '../../grants/handles.ts'
import { askSubject } from '../../grants/subject/ask-subject.ts'
import type { ExternalProvider } from '../../model/external-provider.ts'
import { compact } from '../../model/record.ts'
import { lastSeenAt } from '../../model/session.ts'
import { renderAccount, renderSignedOut } from '../../pages/account.tsx'
import { renderHome } from '../../pages/home.tsx'
import { type PageFrame, textsFor } from '../../pages/layout.tsx'
import { acceptedIdps, isAcceptedIdp } from '../../protocol/login-choice.ts'
import { hrefOf, paths } from '../../request/addresses.ts'
import type { RequestContext } from '../../request/context.ts'
import type { Incoming } from '../../request/incoming.ts'
import { signOutAddress } from '../external/external-sign-out.ts'
import { signOutButton } from '../external/provider-buttons.ts'
import { requireOwnForm } from '../form-guard.ts'
import { sealInteraction } from '../interaction.ts'
import { frameOf, htmlPage, seeOther } from '../page.ts'
import { displayName } from './person-page.ts'

export async function home(context: RequestContext, { request }: Incoming): Promise<Response> {
  const frame = frameOf(context, request)
  const { issuer, deployment } = context
  const html = renderHome({
    frame,
    issuer: issuer.url,
    signInHref: hrefOf(issuer, paths.account),
    discoveryHref: hrefOf(issuer, paths.discovery),
    ...(deployment.playground ? { playgroundHref: hrefOf(issuer, paths.playgroundIndex) } : {}),
  })
  return htmlPage(html, frame.nonce)
}

/** Shows the account page. Redirects to the login page if no user is signed in. */
export async function account(context: RequestContext, { request, parameters }: Incoming): Promise<Response> {
  const session = await readSession(context, request)
  const found =
    session &&
    (await askSubject(context, session.subject_ref, (subject) => subject.findSession(session.proof, context.now)))
  const idps = acceptedIdps(context.configuration.externalProviders)
  if (!found || !isAcceptedIdp(idps, found.session.idp, lastSeenAt(found.session))) {
    const sealing = await sealInteraction(context, request, { id: newId(), started_at: context.now })
    const choose = parameters.has('choose') ? '&choose=1' : ''
    return seeOther(`${hrefOf(context.issuer, paths.login)}?interaction=${sealing.sealed}${choose}`, sealing.cookies)
  }
  const { claims } = found.person
  const frame = frameOf(context, request)
  const provider = findProvider(context, found.session.idp)
  const html = renderAccount({
    frame,
    user: displayName(found.person),
    username: String(claims.preferred_username ?? ''),
    ...(typeof claims.email === 'string' ? { email: claims.email } : {}),
    ...compact({ provider: provider?.name }),
    signOutAction: hrefOf(context.issuer, paths.signOut),
    signOut: signOutOptions(context, provider, frame),
  })
  // The sign-out form may redirect to the external provider's own page.
  return htmlPage(html, frame.nonce, { leadsToClient: true })
}

/** If local accounts are off, signing out here alone is offered only if the external provider has no sign-out page. */
function signOutOptions(context: RequestContext, provider: ExternalProvider | undefined, frame: PageFrame) {
  if (provider?.metadata?.end_session_endpoint === undefined) return { local: true }
  const local = context.configuration.settings.allow_local_accounts
  return { local, upstream: signOutButton(provider, context.issuer, textsFor(frame)) }
}

const findProvider = ({ configuration }: RequestContext, id: string): ExternalProvider | undefined =>
  configuration.externalProviders.find((provider) => provider.provider_id === id)

/** POST: ends the session of this browser and its grants. With the field `upstream`, redirects to sign out at the external provider as well. */
export async function signOut(context: RequestContext, { request, parameters }: Incoming): Promise<Response> {
  requireOwnForm(context, request)
  const session = await readSession(context, request)
  const upstream =
    session &&
    (await askSubject(context, session.subject_ref, (subject) => subject.signOut(session.proof, context.now)))
  const cookies = [clearedSessionCookie(context), stateCookie(context, base64url(randomBytes(16)))]
  const provider = upstream && findProvider(context, upstream.provider_id)
  const address = upstream && provider && (await signOutAddress(context, provider, upstream))
  if (address && parameters.has('upstream')) return seeOther(address, cookies)
  return signedOutPage(context, request, { cookies, ...(provider && address ? { provider, address } : {}) })
}

/** GET: the post_logout_redirect_uri that external providers redirect to (OIDC RP-Initiated Logout §3). */
export const externalSignedOut = async (context: RequestContext, { request }: Incoming): Promise<Response> =>
  signedOutPage(context, request, { cookies: [] })

interface SignedOutView {
  cookies: string[]
  /** The external provider at which the person may still be signed in, and its sign-out address. */
  provider?: ExternalProvider
  address?: string
}

function signedOutPage(
  context: RequestContext,
  request: Request,
  { cookies, provider, address }: SignedOutView,
): Response {
  const frame = frameOf(context, request)
  // `choose` ignores a remembered choice: after signing out, the person may want another account.
  const html = renderSignedOut({
    frame,
    signInHref: `${hrefOf(context.issuer, paths.account)}?choose=1`,
    ...(provider && address ? { upstream: { provider: provider.name, href: address } } : {}),
  })
  return htmlPage(html, frame.nonce, { cookies })
}
