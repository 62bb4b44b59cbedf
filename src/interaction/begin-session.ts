// What every way of signing in ends with: a session in the person's Subject, its cookies, and the answer to the authorization request.

import { readSession, sessionCookie, stateCookie } from '../authentication/sessions.ts'
import { base64url, randomBytes } from '../crypto/encoding.ts'
import { hashSecret, newId, newSecret } from '../grants/handles.ts'
import { askSubject } from '../grants/subject/ask-subject.ts'
import type { NewSession } from '../grants/subject/sessions.ts'
import type { Person } from '../model/person.ts'
import type { RequestContext } from '../request/context.ts'
import type { Incoming } from '../request/incoming.ts'
import { type NextStep, type OngoingAuthorization, questionOf } from './continue.ts'

/** How somebody proved who they are. */
export interface Proof
  extends Pick<NewSession, 'authenticated_at' | 'acr' | 'amr' | 'idp' | 'selected_at' | 'upstream'> {
  person: Person
  /** The record comes from the directory's primary: no replica can be behind it. */
  isConfirmed: boolean
  /** "Keep me signed in". */
  remember: boolean
}

/** `outdated`: the Subject knows a newer record than the one presented. `next` absent: nobody asked for anything but the session. */
export type SessionOutcome =
  | { outcome: 'disabled' | 'outdated' }
  | { outcome: 'begun'; next: NextStep | undefined; cookies: string[] }

/** One hop; two when somebody else was signed in in this browser. */
export async function beginSession(
  context: RequestContext,
  incoming: Incoming,
  ongoing: OngoingAuthorization | undefined,
  proof: Proof,
): Promise<SessionOutcome> {
  const { person, isConfirmed, remember } = proof
  const secret = newSecret()
  const session = await newSession(context, proof, secret)
  const before = await readSession(context, incoming.request)
  const current = before?.subject_ref === person.subject_ref ? before.proof : undefined
  // Another person used this browser: that session ends here, not when it is forgotten. First, so that nothing is half done when it fails.
  if (before && !current) {
    await askSubject(context, before.subject_ref, (subject) => subject.signOut(before.proof, context.now))
  }
  const asked = ongoing && (await questionOf(context, ongoing))
  const answer = await askSubject(context, person.subject_ref, (subject) =>
    subject.signIn(person, session, current, asked?.question, context.now, isConfirmed),
  )
  if (answer.outcome === 'disabled' || answer.outcome === 'outdated') return answer
  // After a restore of D1 the Subject knows better; the operator shall know (SECURITY-CASES X03).
  if (answer.outcome === 'step' && answer.person.version > person.version)
    context.log({ directory: 'older than the Subject' })
  const id = answer.outcome === 'step' ? answer.session.id : session.id
  const handle = { subject_ref: person.subject_ref, id, secret }
  const lifetime = remember ? context.configuration.settings.session_absolute_lifetime : undefined
  const cookies = [await sessionCookie(context, handle, lifetime), stateCookie(context, base64url(randomBytes(16)))]
  if (!ongoing || !asked) return { outcome: 'begun', next: undefined, cookies }
  const code = { subject_ref: person.subject_ref, id: ongoing.interaction.id, secret: asked.secret }
  return { outcome: 'begun', next: { answer, code }, cookies }
}

async function newSession(context: RequestContext, proof: Proof, secret: Uint8Array<ArrayBuffer>): Promise<NewSession> {
  const { settings } = context.configuration
  const { authenticated_at, acr, amr, idp, selected_at, upstream, remember } = proof
  return {
    id: newId(),
    secret_hash: await hashSecret(secret),
    authenticated_at,
    acr,
    amr,
    idp,
    ...(selected_at === undefined ? {} : { selected_at }),
    ...(upstream === undefined ? {} : { upstream }),
    idle_lifetime: 1000 * (remember ? settings.session_remembered_idle_lifetime : settings.session_idle_lifetime),
    absolute_lifetime: 1000 * settings.session_absolute_lifetime,
    most: settings.max_sessions,
  }
}
