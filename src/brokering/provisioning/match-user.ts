// Finds the user of an external account: the user it is linked to, otherwise the user that the identifying claim names. Nothing else counts (I16).

import type { ExternalProvider, UpstreamLogin } from '../../model/external-provider.ts'
import { BrokeringError, type BrokeringFailure } from '../../model/login-attempt.ts'
import { quoted } from '../../model/untrusted-text.ts'
import type { DirectoryResult, DirectoryUser, ExternalIdentityRow } from '../../storage/external-identities.ts'
import { claimOf, identityFault, mailFault } from './claim-values.ts'

/** The account that signed in, and its provider. */
export interface ExternalIdentity {
  provider: ExternalProvider
  login: Pick<UpstreamLogin, 'issuer' | 'subject' | 'claims'>
}

/** The value of the identifying claim, or why it cannot identify a user. */
export type Identification = { value: string; isMail: boolean } | { refusal: BrokeringError }

/** `conflictingUser`: a user who has that user_id or address, but is, or may be, another person. */
export type Match =
  | { outcome: 'linked' | 'identified'; user: DirectoryUser }
  | { outcome: 'none'; conflictingUser: DirectoryUser | undefined }

/** Reads the identifying claim. An e-mail address counts only if the provider verified it (I15). */
export function identify({ provider, login }: ExternalIdentity): Identification {
  const { identifying_claim: claim, name } = provider
  const claimed = claim === 'sub' ? login.subject : claimOf(login.claims, claim)
  // JSON.parse cannot tell integers beyond 2⁵³ apart, so such a number could identify another person.
  const value = Number.isSafeInteger(claimed) ? String(claimed) : claimed
  if (typeof value !== 'string') {
    const cause = `${name} did not send the identifying claim ${claim}, or it is neither a text nor a number.`
    return { refusal: noUser({ check: 'identifying_claim', cause, fix: chooseOtherClaim }) }
  }
  const isMail = claim === 'email'
  const fault = isMail ? mailFault(value) : identityFault(value)
  if (fault) {
    const cause = `${quoted(value)}, the identifying claim ${claim} of ${name}, cannot identify a user: it ${fault}.`
    return { refusal: noUser({ check: 'identifying_claim', cause, fix: chooseOtherClaim }) }
  }
  if (isMail && claimOf(login.claims, 'email_verified') !== true) {
    const cause = `${name} does not say that it verified the address ${quoted(value)} (email_verified is not true).`
    return { refusal: noUser({ check: 'email_verified', cause, fix: chooseOtherClaim }) }
  }
  return { value, isMail }
}

const chooseOtherClaim =
  'Choose an identifying claim that the provider sends for every user and that users cannot choose, such as sub, or let it send this one as expected.'

/**
 * `mailWriters`: ids of the providers whose template fills `email`. Throws BrokeringError if the identifying claim cannot identify a user or
 * fits several, and if the user is disabled, a service account, or linked to another account of this provider.
 */
export function matchUser(
  account: ExternalIdentity,
  identification: Identification,
  directory: DirectoryResult,
  mailWriters: ReadonlySet<string>,
): Match {
  const linked = directory.users.find((user) => user.identities.some((identity) => isAccountOf(account, identity)))
  if (linked) return { outcome: 'linked', user: requireUsable(linked) }
  if ('refusal' in identification) throw identification.refusal
  const { value, isMail } = identification
  const sameId = directory.users.filter((user) => user.row.user_id === value)
  const sameMail = isMail ? directory.byMail : []
  const mayLink = account.provider.link_existing_users
  const conflictingUsers = [
    ...sameId.filter((user) => !mayLink || isAnotherPerson(account, user)),
    ...sameMail.filter((user) => !mayLink || !ownsAddress(account, user, mailWriters)),
  ]
  const identified = [...sameId, ...sameMail].filter((user) => !conflictingUsers.includes(user))
  const [user, second] = new Map(identified.map((each) => [each.row.user_id, each])).values()
  if (user && second) throw ambiguous(value, user, second)
  if (!user) return { outcome: 'none', conflictingUser: conflictingUsers[0] }
  const other = user.identities.find((identity) => identity.provider_id === account.provider.provider_id)
  if (other) throw linkedElsewhere(account, user, other)
  return { outcome: 'identified', user: requireUsable(user) }
}

const isSameSubject = ({ login }: ExternalIdentity, { issuer, subject }: ExternalIdentityRow): boolean =>
  issuer === login.issuer && subject === login.subject

const isAccountOf = (account: ExternalIdentity, identity: ExternalIdentityRow): boolean =>
  identity.provider_id === account.provider.provider_id && isSameSubject(account, identity)

/**
 * A `sub` identifies a person only at its issuer (OIDC Core §5.7), so a user who is linked to any other account is another person (I08). With
 * another identifying claim, a user whom another provider created is another person: that provider chose the user_id, not an administrator.
 */
function isAnotherPerson(account: ExternalIdentity, { row, identities }: DirectoryUser): boolean {
  const others = identities.filter((identity) => !isSameSubject(account, identity))
  const { identifying_claim, provider_id } = account.provider
  if (identifying_claim === 'sub') return others.length > 0
  return others.some((identity) => identity.provider_id !== provider_id && isCreation(row, identity))
}

/** Whether the link was made when the user was created: both are one write, so their times are equal. */
const isCreation = (row: DirectoryUser['row'], identity: ExternalIdentityRow): boolean =>
  identity.created_at === row.created_at

/**
 * Whether the user's address identifies the user. An unverified address counts if an administrator set it. It does not count if another provider
 * created the user or writes addresses: an attacker may have entered the address of another person there, so that this person signs in to the
 * attacker's user.
 */
function ownsAddress(
  { provider }: ExternalIdentity,
  { row, identities }: DirectoryUser,
  mailWriters: ReadonlySet<string>,
) {
  const others = identities.filter((identity) => identity.provider_id !== provider.provider_id)
  return row.email_verified || !others.some((other) => isCreation(row, other) || mailWriters.has(other.provider_id))
}

/** Throws BrokeringError if the user is disabled or a service account. */
function requireUsable(user: DirectoryUser): DirectoryUser {
  const { user_id, enabled, service_account } = user.row
  const refusal = { step: 'match', publicCause: 'account_disabled', known: { user_id } } as const
  if (service_account) {
    throw new BrokeringError({
      ...refusal,
      check: 'service_account',
      cause: `The user ${user_id} is a service account, and people cannot sign in as one.`,
      fix: 'Map this person to a user of their own.',
    })
  }
  if (enabled) return user
  throw new BrokeringError({
    ...refusal,
    check: 'enabled',
    cause: `The user ${user_id} is disabled.`,
    fix: 'Enable the user if this person may sign in.',
  })
}

function ambiguous(value: string, first: DirectoryUser, second: DirectoryUser): BrokeringError {
  return noUser({
    check: 'ambiguous',
    cause: `${quoted(value)} fits several users, among them ${first.row.user_id} and ${second.row.user_id}.`,
    fix: 'Leave this address to one user only, or choose another identifying claim.',
  })
}

function linkedElsewhere(
  { provider, login }: ExternalIdentity,
  user: DirectoryUser,
  other: ExternalIdentityRow,
): BrokeringError {
  const { user_id } = user.row
  const cause =
    `The identifying claim ${provider.identifying_claim} names the user ${user_id}, who is linked to another account of ${provider.name}: ` +
    `the subject ${quoted(other.subject)} of ${other.issuer}, not ${quoted(login.subject)} of ${login.issuer}.`
  const fix = `If both accounts belong to the same person, remove the link of ${user_id} to ${provider.name}, then sign in again.`
  return noUser({ check: 'linked_elsewhere', cause, fix, known: { user_id } })
}

/** The refusal if no user matches and provisioning is off. */
export function noMatchingUser(
  { provider }: ExternalIdentity,
  { value, isMail }: { value: string; isMail: boolean },
  conflictingUser: DirectoryUser | undefined,
): BrokeringError {
  const claim = `The claim ${provider.identifying_claim} of ${provider.name} is ${quoted(value)}`
  if (!conflictingUser) {
    const cause = `${claim}, and no user has that ${isMail ? 'e-mail address or user_id' : 'user_id'}.`
    const fix = 'Create the user, choose another identifying claim, or enable provisioning.'
    return noUser({ check: 'no_account', cause, fix })
  }
  const { user_id } = conflictingUser.row
  if (user_id !== value) {
    const cause = `${claim}, and the user ${user_id} has that address, but it is not verified: it may be another person's.`
    return noUser({ check: 'no_account', cause, fix: `If it is this person, set email_verified of ${user_id}.` })
  }
  const [other] = conflictingUser.identities
  const cause = `${claim}, but the user with that user_id is another person: ${quoted(other?.subject ?? '')} of ${other?.issuer}.`
  const fix = 'Create a user of their own for this person, with an identifying claim that tells the two apart.'
  return noUser({ check: 'no_account', cause, fix })
}

const noUser = (failure: Omit<BrokeringFailure, 'step' | 'publicCause'>): BrokeringError =>
  new BrokeringError({ step: 'match', publicCause: 'no_account', ...failure })
