// Linking a user to an account at an external provider through the administration API, and unlinking it. A first sign-in links in brokering/.

import { refuseFaults } from '../model/refuse-faults.ts'
import { commit, read } from '../request/commit.ts'
import type { RequestContext } from '../request/context.ts'
import {
  deleteExternalIdentity,
  type ExternalIdentityRow,
  insertExternalIdentity,
  listIdentitiesOfUser,
} from '../storage/external-identities.ts'
import { findExternalProvider } from '../storage/external-providers.ts'
import { findUser } from '../storage/users.ts'

/** Throws a Problem if the user has another account of this provider. Returns undefined if the user or the provider does not exist. */
export async function linkIdentity(
  context: RequestContext,
  account: Omit<ExternalIdentityRow, 'created_at'>,
): Promise<{ record: ExternalIdentityRow; isNew: boolean } | undefined> {
  const { user_id, provider_id, issuer, subject } = account
  const user = await read(context, (db) => findUser(db, user_id))
  const provider = user && (await read(context, (db) => findExternalProvider(db, provider_id)))
  if (!provider) return undefined
  if (user.row.service_account) refuseFaults({ user_id: 'is a service account, which cannot sign in' })
  const known = await identityOf(context, user_id, provider_id)
  if (known?.issuer === issuer && known.subject === subject) return { record: known, isNew: false }
  const record = { provider_id, user_id, issuer, subject, created_at: context.now }
  await commit(context, {
    action: 'external-identity.create',
    target: user_id,
    detail: { provider_id, issuer, subject },
    statements: (db) => [insertExternalIdentity(db, record)],
  })
  return { record, isNew: true }
}

/** Sessions continue. The next sign-in at that provider counts as a first sign-in. */
export async function unlinkIdentity(
  context: RequestContext,
  userId: string,
  providerId: string,
): Promise<'done' | 'unknown'> {
  const known = await identityOf(context, userId, providerId)
  if (!known) return 'unknown'
  const { issuer, subject } = known
  await commit(context, {
    action: 'external-identity.delete',
    target: userId,
    detail: { provider_id: providerId, issuer, subject },
    statements: (db) => [deleteExternalIdentity(db, providerId, userId)],
  })
  return 'done'
}

async function identityOf(
  context: RequestContext,
  userId: string,
  providerId: string,
): Promise<ExternalIdentityRow | undefined> {
  const identities = await read(context, (db) => listIdentitiesOfUser(db, userId))
  return identities.find((each) => each.provider_id === providerId)
}
