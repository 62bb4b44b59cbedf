// The provisioning plan of one sign-in, and the rules that refuse it: a field that cannot be filled, an identifier of another user.

import { BrokeringError, type BrokeringFailure, type FieldChange } from '../../model/login-attempt.ts'
import { quoted } from '../../model/untrusted-text.ts'
import type { DirectoryResult, DirectoryUser } from '../../storage/external-identities.ts'
import type { UserRecord, UserRow } from '../../storage/users.ts'
import { isNameField } from './claim-mapping.ts'
import type { ExternalIdentity } from './match-user.ts'

export interface ProvisioningPlan {
  /** `undefined` for a new user. */
  stored: DirectoryUser | undefined
  /** Whether the account was linked to the user before this sign-in. */
  isLinked: boolean
  /** The user's row after the sign-in; the stored row if nothing changes. */
  row: UserRow
  /** The user's groups after the sign-in, sorted by name. */
  groups: UserRecord['groups']
  changes: FieldChange[]
}

/** Whether the sign-in writes this change. */
export const didChange = ({ action }: FieldChange): boolean =>
  ['created', 'updated', 'granted', 'withdrawn'].includes(action)

/** Whether the sign-in writes this change to the user's record. A link is a record of its own. */
export const isWrite = (change: FieldChange): boolean => change.field !== 'link' && didChange(change)

/** Returns the plan. Throws BrokeringError if a field other than a display name cannot be filled, or if the user would get an identifier of another user. */
export function validatePlan(
  { provider }: ExternalIdentity,
  directory: DirectoryResult,
  plan: ProvisioningPlan,
): ProvisioningPlan {
  const { row, stored, changes } = plan
  const failed = changes.find((change) => change.action === 'failed' && !isNameField(change.field))
  const fault = failed
    ? provisioningFault({
        check: { field: failed.field },
        cause: `The field ${failed.field} cannot be filled: ${failed.reason ?? ''}`,
        fix: `Correct the user template of ${provider.name}: another claim, a value mapping, or a default.`,
        changes,
      })
    : conflictOf(row, stored, directory, changes)
  if (!fault) return plan
  throw stored ? fault.withKnown({ user_id: row.user_id }) : fault
}

function conflictOf(
  row: UserRow,
  stored: DirectoryUser | undefined,
  directory: DirectoryResult,
  changes: FieldChange[],
): BrokeringError | undefined {
  const { user_id, sub, login_name } = row
  const taken = (field: 'user_id' | 'sub' | 'login_name', owner: string) =>
    provisioningFault({
      check: field,
      cause: `The ${field} ${quoted(row[field])} belongs to ${owner}.`,
      fix: `Take ${field} from another claim, or change that user.`,
      changes,
    })
  const others = directory.users
    .map((user) => user.row)
    .filter((other) => stored === undefined || other.user_id !== user_id)
  if (!stored) {
    if (others.some((other) => other.user_id === user_id)) return taken('user_id', 'another user')
    if (directory.deleted.includes(sub)) {
      return provisioningFault({
        check: 'sub',
        cause: `The subject identifier ${quoted(sub)} belonged to a user who was deleted, and is never assigned again.`,
        fix: 'Create the user yourself, with another sub.',
        changes,
      })
    }
    const owner = others.find((other) => other.sub === sub)
    if (owner) return taken('sub', `the user ${owner.user_id}`)
  }
  const sameLoginName = others.find((other) => other.login_name === login_name)
  return sameLoginName && taken('login_name', `the user ${sameLoginName.user_id}`)
}

/** A BrokeringError of the step `provisioning`. */
export const provisioningFault = (fault: Omit<BrokeringFailure, 'step' | 'publicCause'>): BrokeringError =>
  new BrokeringError({ step: 'provisioning', publicCause: 'provisioning', ...fault })
