// Signing in by password: the page, and what happens when it is sent (three hops: directory, LoginGuard, Subject).
import { askSubject, hop, type RequestContext } from '../context.ts'
import { base64url, randomBytes } from '../crypto/encoding.ts'
import type { NewSession } from '../durable-objects/subject/sessions.ts'
import { deviceLifetime, openDevice, sealDevice } from '../identity/device.ts'
import { hashSecret, newId, newSecret } from '../identity/handles.ts'
import { checkPassword } from '../identity/passwords.ts'
import { noteRefusal } from '../identity/refusals.ts'
import { cookie, readSession, sessionCookie, stateCookie } from '../identity/sessions.ts'
import { type Incoming, readCookie } from '../incoming.ts'
import { type LoginPage, renderLogin } from '../pages/login.tsx'
import { OAuthError } from '../protocol/errors.ts'
import { normaliseLoginName } from '../protocol/login-name.ts'
import type { Person } from '../protocol/person.ts'
import { openDatabase } from '../storage/database.ts'
import { findPersonByLogin } from '../storage/users.ts'
import { advance, goOn, type Judged, questionOf, resume } from './authorization.ts'
import { requireOwnForm } from './form-guard.ts'
import type { Interaction } from './interaction.ts'
import { frameOf, htmlPage, seeOther } from './page.ts'

type Resumed = { interaction: Interaction & { sealed: string }; judged: Judged | undefined }

/** GET: somebody who signed in meanwhile, in another tab, goes on; everybody else, and who wants another account, sees the form. */
export async function showLogin(incoming: Incoming, context: RequestContext): Promise<Response> {
  // Somebody's bookmark: signing in without an application begins at the account page.
  if (!incoming.parameters.has('interaction')) return seeOther(`${context.settings.basePath}/account`)
  const resumed = await resume(incoming, context)
  const session = await readSession(incoming.request, context)
  const wantsOther = incoming.parameters.get('account') === 'other'
  if (!session || !resumed.judged || wantsOther) return loginPage(incoming, context, resumed)
  const advanced = await advance(context, resumed.judged, session)
  if (advanced.answer.outcome !== 'step') {
    return advanced.answer.outcome === 'anonymous'
      ? loginPage(incoming, context, resumed)
      : goOn(incoming, context, resumed.judged, advanced)
  }
  const { step, person } = advanced.answer
  if (step.kind !== 'sign-in') return goOn(incoming, context, resumed.judged, advanced)
  return loginPage(incoming, context, resumed, { username: usernameOf(person) })
}

/** POST. */
export async function login(incoming: Incoming, context: RequestContext): Promise<Response> {
  requireOwnForm(incoming.request, context)
  const resumed = await resume(incoming, context)
  const username = (incoming.parameters.get('username') ?? '').slice(0, 320)
  const password = (incoming.parameters.get('password') ?? '').slice(0, 1024)
  const remember = incoming.parameters.has('remember')
  const verdict = await verify(incoming.request, context, normaliseLoginName(username), password)
  if ('problem' in verdict) {
    noteRefusal(context, '/account/login', refusalOf(verdict, resumed.judged))
    return loginPage(incoming, context, resumed, { username, remember, ...verdict })
  }
  return signIn(incoming, context, resumed, verdict, remember)
}

interface Verified {
  person: Person
  loginName: string
  /** What the password was checked against. */
  passwordHash: string | null
  device: string | undefined
}

interface Failed {
  problem: 'wrong_credentials' | 'locked' | 'busy'
  /** For the operator only. */
  cause: string
  /** Seconds. */
  retryAfter?: number
}

/** Known and unknown names, disabled people and services look the same from outside (SECURITY-CASES P03, S15). */
async function verify(
  request: Request,
  context: RequestContext,
  loginName: string,
  password: string,
): Promise<Verified | Failed> {
  const { configuration } = context
  const record = await findRecord(context, loginName, 'first-unconstrained')
  // Who may not sign in is hashed and counted like a wrong guess: the right password must not tell.
  const maySignIn = record?.person.enabled && !record.service_account && configuration.settings.allow_local_accounts
  const device = await openDevice(context, readCookie(request, context.settings.cookies.device), loginName)
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
  if (!record) throw new Error('a password matched nobody')
  return { person: record.person, loginName, passwordHash, device }
}

/** `first-unconstrained`: the nearest replica, which may lag behind. */
const findRecord = (context: RequestContext, loginName: string, from: 'first-unconstrained' | 'first-primary') =>
  hop(context, 'D1', () => findPersonByLogin(openDatabase(context.env.DB.withSession(from)), loginName))

async function signIn(
  incoming: Incoming,
  context: RequestContext,
  { judged }: Resumed,
  { person, loginName, passwordHash, device }: Verified,
  remember: boolean,
): Promise<Response> {
  const { settings } = context.configuration
  const secret = newSecret()
  const session: NewSession = {
    id: newId(),
    secret_hash: await hashSecret(secret),
    authenticated_at: context.now,
    acr: '1',
    amr: ['pwd'],
    idp: 'local',
    idle_lifetime: 1000 * (remember ? settings.session_remembered_idle_lifetime : settings.session_idle_lifetime),
    absolute_lifetime: 1000 * settings.session_absolute_lifetime,
    most: settings.max_sessions,
  }
  const before = await readSession(incoming.request, context)
  const current = before?.subject_ref === person.subject_ref ? before.proof : undefined
  // Another person used this browser: that session ends here, not when it is forgotten. First, so that nothing is half done when it fails.
  if (before && !current) {
    await askSubject(context, before.subject_ref, (subject) => subject.signOut(before.proof, context.now))
  }
  const asked = judged && (await questionOf(context, judged))
  const ask = (record: Person, isConfirmed: boolean) =>
    askSubject(context, record.subject_ref, (subject) =>
      subject.signIn(record, session, current, asked?.question, context.now, isConfirmed),
    )
  let answer = await ask(person, false)
  if (answer.outcome === 'outdated') {
    const record = await findRecord(context, loginName, 'first-primary')
    const isSame = record?.password_hash === passwordHash && !record.service_account
    if (isSame) answer = await ask(record.person, true)
  }
  if (answer.outcome === 'disabled' || answer.outcome === 'outdated') {
    const failed: Failed = { problem: 'wrong_credentials', cause: `${person.user_id} was disabled or changed just now` }
    noteRefusal(context, '/account/login', refusalOf(failed, judged))
    return loginPage(incoming, context, await resume(incoming, context), { username: loginName, remember, ...failed })
  }
  // After a restore of D1 the Subject knows better; the operator shall know (SECURITY-CASES X03).
  if (answer.outcome === 'step' && answer.person.version > person.version)
    context.log.directory = 'older than the Subject'
  const id = answer.outcome === 'step' ? answer.session.id : session.id
  const handle = { subject_ref: person.subject_ref, id, secret }
  const cookies = [
    await sessionCookie(context, handle, remember ? settings.session_absolute_lifetime : undefined),
    cookie(context, context.settings.cookies.device, await sealDevice(context, loginName, device), deviceLifetime),
    stateCookie(context, base64url(randomBytes(16))),
  ]
  if (!judged || !asked) return seeOther(`${context.settings.basePath}/account`, cookies)
  const code = { subject_ref: person.subject_ref, id: judged.interaction.id, secret: asked.secret }
  return goOn(incoming, context, judged, { answer, code }, cookies)
}

interface Shown {
  username?: string
  remember?: boolean
  problem?: LoginPage['problem']
  retryAfter?: number
}

function loginPage(incoming: Incoming, context: RequestContext, resumed: Resumed, shown: Shown = {}): Response {
  const { judged, interaction } = resumed
  const frame = frameOf(incoming.request, context, judged?.request.ui_locales)
  const problem =
    shown.problem ?? (context.configuration.settings.allow_local_accounts ? undefined : 'no_local_accounts')
  const html = renderLogin({
    frame,
    action: `${context.settings.basePath}/account/login`,
    interaction: interaction.sealed,
    username: shown.username ?? judged?.request.login_hint ?? '',
    remember: shown.remember ?? false,
    client: judged?.client,
    ...(problem ? { problem } : {}),
  })
  const headers: Record<string, string> = shown.retryAfter ? { 'retry-after': String(shown.retryAfter) } : {}
  return htmlPage(html, frame.nonce, { status: statusOf(shown.problem), headers, leadsToClient: true })
}

function statusOf(problem: LoginPage['problem']): number {
  if (problem === undefined) return 200
  return problem === 'locked' || problem === 'busy' ? 429 : 400
}

const usernameOf = (person: Person): string => String(person.claims.preferred_username ?? '')

function refusalOf({ problem, cause, retryAfter }: Failed, judged: Judged | undefined): OAuthError {
  const error = new OAuthError('access_denied', 'sign-in failed', {
    check: problem === 'wrong_credentials' ? 'password' : 'rate',
    expected: 'the name and password of an enabled user who may sign in here',
    received: cause,
    fix: retryAfter
      ? 'wait, or sign in from a device that this user signed in from before'
      : 'correct the user, or set a new password',
  })
  if (judged) error.client_id = judged.client.client_id
  return error
}
