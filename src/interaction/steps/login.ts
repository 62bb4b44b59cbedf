// The login page: shows it, and signs in by password when its form is sent (three hops: directory, LoginGuard, Subject).

import { deviceLifetime, openDevice, sealDevice } from '../../authentication/device.ts'
import { checkPassword } from '../../authentication/methods/password.ts'
import { cookie, readSession } from '../../authentication/sessions.ts'
import { noteRefusal } from '../../grants/refusal-rings.ts'
import type { OAuthError } from '../../model/errors.ts'
import { normaliseLoginName } from '../../model/login-name.ts'
import { accessDenied } from '../../model/oauth-errors.ts'
import type { Person } from '../../model/person.ts'
import { textsFor } from '../../pages/layout.tsx'
import { type LoginPage, renderLogin } from '../../pages/login.tsx'
import { chooseLogin, type LoginChoice } from '../../protocol/login-choice.ts'
import { localAcr } from '../../protocol/next-step.ts'
import { hrefOf, paths } from '../../request/addresses.ts'
import { hop, type RequestContext } from '../../request/context.ts'
import { type Incoming, readCookie } from '../../request/incoming.ts'
import { openDatabase } from '../../storage/database.ts'
import { findPersonByLogin } from '../../storage/users.ts'
import { beginSession } from '../begin-session.ts'
import { choiceCookies, readChoice } from '../choice-cookie.ts'
import { askNextStep, continueAuthorization } from '../continue.ts'
import { deliver } from '../deliver.ts'
import { redirectToProvider, wantsOtherAccount } from '../external/external-login.ts'
import { signInButton } from '../external/provider-buttons.ts'
import { requireOwnForm } from '../form-guard.ts'
import { type OngoingAuthorization, type ResumedInteraction, resume } from '../ongoing-authorization.ts'
import { frameOf, htmlPage, seeOther } from '../page.ts'

/** GET: continues if the person has signed in in another tab meanwhile. Otherwise, or for `account=other`, begins a sign-in. */
export async function showLogin(context: RequestContext, incoming: Incoming): Promise<Response> {
  // The address without an interaction, such as a bookmark: a sign-in without a client begins at the account page.
  if (!incoming.parameters.has('interaction')) return seeOther(hrefOf(context.issuer, paths.account))
  const resumed = await resume(context, incoming)
  const session = await readSession(context, incoming.request)
  const wantsOther = wantsOtherAccount(incoming)
  if (!session || !resumed.ongoing || wantsOther) return beginLogin(context, incoming, resumed, { wantsOther })
  const next = await askNextStep(context, resumed.ongoing, session)
  if (next.result.outcome !== 'step') {
    return next.result.outcome === 'anonymous'
      ? beginLogin(context, incoming, resumed)
      : continueAuthorization(context, incoming, resumed.ongoing, next)
  }
  const { step, person } = next.result
  if (step.kind !== 'sign-in') return continueAuthorization(context, incoming, resumed.ongoing, next)
  return beginLogin(context, incoming, resumed, { username: usernameOf(person) })
}

/** Redirects to the external provider if only one is possible or meant. Otherwise shows the login page. */
function beginLogin(
  context: RequestContext,
  incoming: Incoming,
  resumed: ResumedInteraction,
  form: LoginForm & { wantsOther?: boolean } = {},
): Response | Promise<Response> {
  const choice = choiceOf(context, incoming, resumed)
  if (choice.kind === 'page') return loginPage(context, incoming, resumed, form)
  const { wantsOther = false } = form
  return redirectToProvider(context, incoming, { ...resumed, provider: choice.provider, remember: false, wantsOther })
}

function choiceOf(
  context: RequestContext,
  { request, parameters }: Incoming,
  { ongoing }: ResumedInteraction,
): LoginChoice {
  const { externalProviders, settings } = context.configuration
  return chooseLogin({
    providers: externalProviders,
    allow_local_accounts: settings.allow_local_accounts,
    idp: ongoing?.request.idp,
    domain_hint: ongoing?.request.domain_hint,
    login_hint: ongoing?.request.login_hint,
    remembered: readChoice(context, request),
    // A person who sent the form has chosen to sign in on this page.
    wantsToChoose: parameters.has('choose') || request.method === 'POST',
  })
}

/** POST: the login form. Shows the page again, with the problem, if the sign-in fails. */
export async function login(context: RequestContext, incoming: Incoming): Promise<Response> {
  requireOwnForm(context, incoming.request)
  const resumed = await resume(context, incoming)
  const username = (incoming.parameters.get('username') ?? '').slice(0, 320)
  const password = (incoming.parameters.get('password') ?? '').slice(0, 1024)
  const remember = incoming.parameters.has('remember')
  const verification = await verify(context, incoming.request, normaliseLoginName(username), password)
  if ('problem' in verification) {
    noteRefusal(context, paths.login, refusalOf(verification, resumed.ongoing))
    return loginPage(context, incoming, resumed, { username, remember, ...verification })
  }
  return signIn(context, incoming, resumed, verification, remember)
}

interface Verified {
  person: Person
  loginName: string
  /** The hash that the password was checked against. */
  passwordHash: string | null
  device: string | undefined
}

interface Failed {
  problem: 'wrong_credentials' | 'locked' | 'busy'
  /** Recorded with the refusal, never shown to the person. */
  cause: string
  /** Seconds. */
  retryAfter?: number
}

/** Checks the password. Unknown names, disabled users and service accounts get the same response as a wrong password (SECURITY-CASES P03, S15). */
async function verify(
  context: RequestContext,
  request: Request,
  loginName: string,
  password: string,
): Promise<Verified | Failed> {
  const { configuration } = context
  const record = await findRecord(context, loginName, 'first-unconstrained')
  // Users who may not sign in take the same path as a wrong password, so the response does not reveal that the password was right.
  const maySignIn = record?.person.enabled && !record.service_account && configuration.settings.allow_local_accounts
  const device = await openDevice(context, readCookie(request, context.issuer.cookies.device), loginName)
  const passwordHash = maySignIn ? record.password_hash : null
  const check = await checkPassword(context, { loginName, password, passwordHash, device })
  if (check.outcome === 'busy') return { problem: 'busy', cause: 'too many sign-ins of that name wait', retryAfter: 2 }
  if (check.outcome === 'locked') {
    const retryAfter = Math.max(1, Math.ceil((check.retryAt - context.now) / 1000))
    return { problem: 'locked', cause: `too many wrong guesses; open again in ${retryAfter} s`, retryAfter }
  }
  const wrong = (cause: string): Failed => ({ problem: 'wrong_credentials', cause })
  if (check.outcome === 'mismatch') {
    if (!record) return wrong('no user has that name')
    if (!configuration.settings.allow_local_accounts)
      return wrong('local accounts are switched off (allow_local_accounts)')
    if (!record.person.enabled) return wrong(`${record.person.user_id} is disabled`)
    if (record.service_account) return wrong(`${record.person.user_id} is a service account, which cannot sign in here`)
    return wrong(
      record.password_hash === null
        ? `${record.person.user_id} has no local password`
        : `wrong password of ${record.person.user_id}`,
    )
  }
  if (!record) throw new Error('a password matched without a user')
  return { person: record.person, loginName, passwordHash, device }
}

/** `first-unconstrained` reads the nearest replica, which may be older than the primary. */
const findRecord = (context: RequestContext, loginName: string, from: 'first-unconstrained' | 'first-primary') =>
  hop(context, 'D1', () => findPersonByLogin(openDatabase(context.env.DB.withSession(from)), loginName))

async function signIn(
  context: RequestContext,
  incoming: Incoming,
  { ongoing }: ResumedInteraction,
  { person, loginName, passwordHash, device }: Verified,
  remember: boolean,
): Promise<Response> {
  const proof = { authenticated_at: context.now, acr: localAcr, amr: ['pwd'], idp: 'local', remember }
  let session = await beginSession(context, incoming, ongoing, { ...proof, person, isConfirmed: false })
  if (session.outcome === 'outdated') {
    const record = await findRecord(context, loginName, 'first-primary')
    // The password was checked against the older record: it counts only if the hash has not changed.
    const isSame = record?.password_hash === passwordHash && !record.service_account
    if (isSame)
      session = await beginSession(context, incoming, ongoing, { ...proof, person: record.person, isConfirmed: true })
  }
  if (session.outcome !== 'signed_in') {
    const failed: Failed = { problem: 'wrong_credentials', cause: `${person.user_id} was disabled or changed just now` }
    noteRefusal(context, paths.login, refusalOf(failed, ongoing))
    return loginPage(context, incoming, await resume(context, incoming), { username: loginName, remember, ...failed })
  }
  const { device: name } = context.issuer.cookies
  const cookies = [
    ...session.cookies,
    cookie(context, name, await sealDevice(context, loginName, device), deviceLifetime),
    ...choiceCookies(context, incoming, 'local'),
  ]
  if (!ongoing || !session.next) return deliver(context, incoming, { kind: 'account' }, cookies)
  return continueAuthorization(context, incoming, ongoing, session.next, cookies)
}

/** What the login page shows besides the ways to sign in. */
interface LoginForm {
  username?: string
  remember?: boolean
  problem?: LoginPage['problem']
  /** Seconds. */
  retryAfter?: number
}

function loginPage(
  context: RequestContext,
  incoming: Incoming,
  resumed: ResumedInteraction,
  form: LoginForm = {},
): Response {
  const { ongoing, interaction } = resumed
  const { issuer } = context
  const frame = frameOf(context, incoming.request, ongoing?.request.ui_locales)
  const choice = choiceOf(context, incoming, resumed)
  const { providers, hasLocal, isNarrowed } = choice.kind === 'page' ? choice : noLoginMethods
  const problem = form.problem ?? problemOf(incoming, hasLocal, providers.length)
  const html = renderLogin({
    frame,
    action: hrefOf(issuer, paths.login),
    externalAction: hrefOf(issuer, paths.externalLogin),
    interaction: interaction.sealed,
    username: form.username ?? ongoing?.request.login_hint ?? '',
    remember: form.remember ?? false,
    client: ongoing?.client,
    providers: providers.map((provider) => signInButton(provider, issuer, textsFor(frame))),
    hasLocal,
    wantsOther: wantsOtherAccount(incoming),
    mayRememberChoice: providers.length + (hasLocal ? 1 : 0) > 1,
    ...(isNarrowed
      ? { otherWaysHref: `${hrefOf(issuer, paths.login)}?interaction=${interaction.sealed}&choose=1` }
      : {}),
    ...(problem ? { problem } : {}),
  })
  const headers: Record<string, string> = form.retryAfter ? { 'retry-after': String(form.retryAfter) } : {}
  return htmlPage(html, frame.nonce, { status: statusOf(form.problem), headers, leadsToClient: true })
}

const noLoginMethods = { providers: [], hasLocal: false, isNarrowed: false }

function problemOf({ parameters }: Incoming, hasLocal: boolean, providers: number): LoginPage['problem'] {
  if (!hasLocal && providers === 0) return 'no_way_in'
  return parameters.get('problem') === 'not_fresh' ? 'not_fresh' : undefined
}

function statusOf(problem: LoginPage['problem']): number {
  if (problem === undefined) return 200
  return problem === 'locked' || problem === 'busy' ? 429 : 400
}

const usernameOf = (person: Person): string => String(person.claims.preferred_username ?? '')

function refusalOf({ problem, cause, retryAfter }: Failed, ongoing: OngoingAuthorization | undefined): OAuthError {
  const error = accessDenied({
    description: 'sign-in failed',
    check: problem === 'wrong_credentials' ? 'password' : 'rate',
    expected: 'the name and password of an enabled user who may sign in here',
    received: cause,
    fix: retryAfter
      ? 'wait, or sign in from a device that this user signed in from before'
      : 'correct the user, or set a new password',
  })
  return ongoing ? error.withClient(ongoing.client.client_id) : error
}
