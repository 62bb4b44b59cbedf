// Which user an account of a provider is: the one it was linked to, else the one that the identifying claim names. Never by anything else.

import type { ExternalProvider, UpstreamLogin } from '../../model/external-provider.ts'
import { BrokeringError, type BrokeringFailure } from '../../model/login-attempt.ts'
import { quoted } from '../../model/untrusted-text.ts'
import type { DirectoryResult, DirectoryUser, ExternalIdentityRow } from '../../storage/external-identities.ts'
import { claimOf, identityFault, mailFault } from './claim-values.ts'

/** Who came, and from where. */
export interface ExternalIdentity {
  provider: ExternalProvider
  login: Pick<UpstreamLogin, 'issuer' | 'subject' | 'claims'>
}

/** What the identifying claim says, if it can say who somebody is. */
export type Identification = { value: string; isMail: boolean } | { refusal: BrokeringError }

/** `rival`: who has that user_id or address, but is, or may be, somebody else. */
export type Match =
  | { outcome: 'linked' | 'named'; user: DirectoryUser }
  | { outcome: 'nobody'; rival: DirectoryUser | undefined }

export function identify({ provider, login }: ExternalIdentity): Identification {
  const { identifying_claim: claim, name } = provider
  const said = claim === 'sub' ? login.subject : claimOf(login.claims, claim)
  // A number beyond 2⁵³ is one of several that JSON.parse cannot tell apart.
  const value = Number.isSafeInteger(said) ? String(said) : said
  if (typeof value !== 'string') {
    const cause = `The identifying claim ${claim} did not come from ${name}, or is neither a text nor a number.`
    return { refusal: noUser({ check: 'identifying_claim', cause, fix: otherClaim }) }
  }
  const isMail = claim === 'email'
  const fault = isMail ? mailFault(value) : identityFault(value)
  if (fault) {
    const cause = `${quoted(value)}, the identifying claim ${claim} of ${name}, cannot say who somebody is: it ${fault}.`
    return { refusal: noUser({ check: 'identifying_claim', cause, fix: otherClaim }) }
  }
  if (isMail && claimOf(login.claims, 'email_verified') !== true) {
    const cause = `${name} does not say that it verified the address ${quoted(value)} (email_verified is not true).`
    return { refusal: noUser({ check: 'email_verified', cause, fix: otherClaim }) }
  }
  return { value, isMail }
}

const otherClaim =
  'Choose an identifying claim that the provider gives everybody and nobody can choose, such as sub, or let it send this one as expected.'

/** `mailWriters`: providers whose template fills `email`. Throws BrokeringError when the account leads to somebody who may not be taken for this person. */
export function matchUser(
  newcomer: ExternalIdentity,
  identification: Identification,
  answer: DirectoryResult,
  mailWriters: ReadonlySet<string>,
): Match {
  const linked = answer.users.find((user) => user.identities.some((identity) => isAccountOf(newcomer, identity)))
  if (linked) return { outcome: 'linked', user: usable(linked) }
  if ('refusal' in identification) throw identification.refusal
  const { value, isMail } = identification
  const sameId = answer.users.filter((user) => user.row.user_id === value)
  const sameMail = isMail ? answer.byMail : []
  const mayLink = newcomer.provider.link_existing_users
  const rivals = [
    ...sameId.filter((user) => !mayLink || isAnotherPerson(newcomer, user)),
    ...sameMail.filter((user) => !mayLink || !ownsAddress(newcomer, user, mailWriters)),
  ]
  const named = [...sameId, ...sameMail].filter((user) => !rivals.includes(user))
  const [user, second] = new Map(named.map((each) => [each.row.user_id, each])).values()
  if (user && second) throw ambiguous(value, user, second)
  if (!user) return { outcome: 'nobody', rival: rivals[0] }
  const other = user.identities.find((identity) => identity.provider_id === newcomer.provider.provider_id)
  if (other) throw linkedElsewhere(newcomer, user, other)
  return { outcome: 'named', user: usable(user) }
}

const isSameSubject = ({ login }: ExternalIdentity, { issuer, subject }: ExternalIdentityRow): boolean =>
  issuer === login.issuer && subject === login.subject

const isAccountOf = (newcomer: ExternalIdentity, identity: ExternalIdentityRow): boolean =>
  identity.provider_id === newcomer.provider.provider_id && isSameSubject(newcomer, identity)

/**
 * OIDC Core §5.7: a `sub` says who somebody is at its issuer only, so a user linked to any other account is another person (I08). By other
 * claims so is a user whom another provider created: their user_id is that provider's word, not an operator's.
 */
function isAnotherPerson(newcomer: ExternalIdentity, { row, identities }: DirectoryUser): boolean {
  const others = identities.filter((identity) => !isSameSubject(newcomer, identity))
  const { identifying_claim, provider_id } = newcomer.provider
  if (identifying_claim === 'sub') return others.length > 0
  return others.some((identity) => identity.provider_id !== provider_id && isCreation(row, identity))
}

/** Creating a user and linking them is one write. */
const isCreation = (row: DirectoryUser['row'], identity: ExternalIdentityRow): boolean =>
  identity.created_at === row.created_at

/**
 * An address that nobody verified counts as an operator's word, unless another provider created the user or writes addresses: it may be its
 * true owner's, put there to be signed in to.
 */
function ownsAddress(
  { provider }: ExternalIdentity,
  { row, identities }: DirectoryUser,
  mailWriters: ReadonlySet<string>,
) {
  const others = identities.filter((identity) => identity.provider_id !== provider.provider_id)
  return row.email_verified || !others.some((other) => isCreation(row, other) || mailWriters.has(other.provider_id))
}

function usable(user: DirectoryUser): DirectoryUser {
  const { user_id, enabled, service_account } = user.row
  const refusal = { step: 'match', publicCause: 'account_disabled', known: { user_id } } as const
  if (service_account) {
    throw new BrokeringError({
      ...refusal,
      check: 'service_account',
      cause: `The user ${user_id} is a service account, which nobody signs in as.`,
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
    cause: `${quoted(value)} fits several users: ${first.row.user_id} and ${second.row.user_id}, at least.`,
    fix: 'Let one user only have this address, or choose another identifying claim.',
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
  const fix = `If both accounts are one person's, remove the link of ${user_id} to ${provider.name}, then sign in again.`
  return noUser({ check: 'linked_elsewhere', cause, fix, known: { user_id } })
}

/** Nobody matches, and nobody is created. */
export function noMatchingUser(
  { provider }: ExternalIdentity,
  { value, isMail }: { value: string; isMail: boolean },
  rival: DirectoryUser | undefined,
): BrokeringError {
  const said = `The claim ${provider.identifying_claim} of ${provider.name} says ${quoted(value)}`
  if (!rival) {
    const cause = `${said}, and no user has that ${isMail ? 'e-mail address or user_id' : 'user_id'}.`
    const fix = 'Create the user, choose another identifying claim, or enable provisioning.'
    return noUser({ check: 'no_account', cause, fix })
  }
  const { user_id } = rival.row
  if (user_id !== value) {
    const cause = `${said}, and the user ${user_id} has that address, but nobody verified it: it may be another person's.`
    return noUser({ check: 'no_account', cause, fix: `If it is this person, set email_verified of ${user_id}.` })
  }
  const [account] = rival.identities
  const cause = `${said}, but the user of that id is somebody else: ${quoted(account?.subject ?? '')} of ${account?.issuer}.`
  const fix = 'Create a user of their own for this person, under an identifying claim that tells the two apart.'
  return noUser({ check: 'no_account', cause, fix })
}

const noUser = (failure: Omit<BrokeringFailure, 'step' | 'publicCause'>): BrokeringError =>
  new BrokeringError({ step: 'match', publicCause: 'no_account', ...failure })
