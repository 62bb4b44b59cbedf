// The end of every sign-in, local or external: creates the session in the person's Subject, sets its cookies, and asks for the next step of
// the authorization request.

import { readSession, sessionCookie, stateCookie } from '../authentication/sessions.ts'
import { base64url, randomBytes } from '../crypto/encoding.ts'
import { hashSecret, newId, newSecret } from '../grants/handles.ts'
import { askSubject } from '../grants/subject/ask-subject.ts'
import type { NewSession } from '../grants/subject/sessions.ts'
import type { Person } from '../model/person.ts'
import { compact } from '../model/record.ts'
import type { RequestContext } from '../request/context.ts'
import type { Incoming } from '../request/incoming.ts'
import { authorizationInput, type NextStep } from './continue.ts'
import type { OngoingAuthorization } from './ongoing-authorization.ts'

/** How the person authenticated. */
export interface Proof
  extends Pick<NewSession, 'authenticated_at' | 'acr' | 'amr' | 'idp' | 'selected_at' | 'upstream'> {
  person: Person
  /** True if `person` was read from D1's primary, so it cannot be older than what a replica returns. */
  isConfirmed: boolean
  /** "Keep me signed in". */
  remember: boolean
}

export interface SignedIn {
  outcome: 'signed_in'
  /** Undefined if no client made a request. */
  next: NextStep | undefined
  cookies: string[]
}

/** `outdated`: the Subject holds a newer user record than the one that was checked. */
export type SessionOutcome = { outcome: 'disabled' | 'outdated' } | SignedIn

/** Signs the person in. One hop, or two if another user was signed in in this browser. */
export async function beginSession(
  context: RequestContext,
  incoming: Incoming,
  ongoing: OngoingAuthorization | undefined,
  proof: Proof,
): Promise<SessionOutcome> {
  const { person, isConfirmed, remember } = proof
  const secret = newSecret()
  const session = await newSession(context, proof, secret)
  const previous = await readSession(context, incoming.request)
  const current = previous?.subject_ref === person.subject_ref ? previous.proof : undefined
  // Sign the previous user of this browser out first: if that fails, nothing has been changed.
  if (previous && !current) {
    await askSubject(context, previous.subject_ref, (subject) => subject.signOut(previous.proof, context.now))
  }
  const decision = ongoing && (await authorizationInput(context, ongoing))
  const result = await askSubject(context, person.subject_ref, (subject) =>
    subject.signIn(person, session, current, decision?.input, context.now, isConfirmed),
  )
  if (result.outcome === 'disabled' || result.outcome === 'outdated') return result
  // After a restore of D1 the Subject may hold a newer record. The log line tells the operator (SECURITY-CASES X03).
  if (result.outcome === 'step' && result.person.version > person.version)
    context.log({ directory: 'older than the Subject' })
  const id = result.outcome === 'step' ? result.session.id : session.id
  const handle = { subject_ref: person.subject_ref, id, secret }
  const lifetime = remember ? context.configuration.settings.session_absolute_lifetime : undefined
  const cookies = [await sessionCookie(context, handle, lifetime), stateCookie(context, base64url(randomBytes(16)))]
  if (!ongoing || !decision) return { outcome: 'signed_in', next: undefined, cookies }
  const code = { subject_ref: person.subject_ref, id: ongoing.interaction.id, secret: decision.secret }
  return { outcome: 'signed_in', next: { result, code }, cookies }
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
    ...compact({ selected_at, upstream }),
    idle_lifetime: 1000 * (remember ? settings.session_remembered_idle_lifetime : settings.session_idle_lifetime),
    absolute_lifetime: 1000 * settings.session_absolute_lifetime,
    most: settings.max_sessions,
  }
}
