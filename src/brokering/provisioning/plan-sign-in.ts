// The plan of a sign-in, and what forbids to carry it out: a field that cannot be filled, an id or a name that is somebody else's.

import { BrokeringError, type BrokeringFailure, type FieldChange } from '../../model/login-attempt.ts'
import { quoted } from '../../model/untrusted-text.ts'
import type { DirectoryResult, DirectoryUser } from '../../storage/external-identities.ts'
import type { UserRecord, UserRow } from '../../storage/users.ts'
import { isNameField } from './claim-mapping.ts'
import type { ExternalIdentity } from './match-user.ts'

export interface ProvisioningPlan {
  /** Undefined: a new user. */
  stored: DirectoryUser | undefined
  /** The account leads to the user already. */
  isLinked: boolean
  /** Equal to the stored row when nothing changes. */
  row: UserRow
  /** The user's groups after the sign-in, by name. */
  groups: UserRecord['groups']
  changes: FieldChange[]
}

/** Whether anything changes by it. */
export const didChange = ({ action }: FieldChange): boolean =>
  ['created', 'updated', 'granted', 'withdrawn'].includes(action)

/** Whether the user's record changes by it: a link is a record of its own. */
export const isWrite = (change: FieldChange): boolean => change.field !== 'link' && didChange(change)

/** Throws when a field other than a name cannot be filled, or when the user would get what is another's. */
export function validatePlan(
  { provider }: ExternalIdentity,
  answer: DirectoryResult,
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
    : conflict(row, stored, answer, changes)
  if (!fault) return plan
  throw stored ? fault.withKnown({ user_id: row.user_id }) : fault
}

function conflict(
  row: UserRow,
  stored: DirectoryUser | undefined,
  answer: DirectoryResult,
  changes: FieldChange[],
): BrokeringError | undefined {
  const { user_id, sub, login_name } = row
  const taken = (field: 'user_id' | 'sub' | 'login_name', whose: string) =>
    provisioningFault({
      check: field,
      cause: `The ${field} ${quoted(row[field])} ${whose}.`,
      fix: `Take ${field} from another claim, or change that user.`,
      changes,
    })
  const others = answer.users
    .map((user) => user.row)
    .filter((other) => stored === undefined || other.user_id !== user_id)
  if (!stored) {
    if (others.some((other) => other.user_id === user_id)) return taken('user_id', 'is another user')
    if (answer.deleted.includes(sub)) {
      const whose = 'belonged to a user who was deleted, and is never given to anybody again'
      return provisioningFault({
        check: 'sub',
        cause: `The subject identifier ${quoted(sub)} ${whose}.`,
        fix: 'Create the user by hand, with another sub.',
        changes,
      })
    }
    const owner = others.find((other) => other.sub === sub)
    if (owner) return taken('sub', `belongs to the user ${owner.user_id}`)
  }
  const namesake = others.find((other) => other.login_name === login_name)
  return namesake && taken('login_name', `belongs to the user ${namesake.user_id}`)
}

export const provisioningFault = (fault: Omit<BrokeringFailure, 'step' | 'publicCause'>): BrokeringError =>
  new BrokeringError({ step: 'provisioning', publicCause: 'provisioning', ...fault })
