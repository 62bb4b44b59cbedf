// Schemas of a user (OIDC Core §5.1 names).
import * as z from 'zod/mini'
import { userRules } from '../../model/user-rules.ts'
import type { UserRecord } from '../../storage/users.ts'
import { identifier, line, set, text, toInstant } from '../fields.ts'

export const userId = identifier(userRules.user_id.longest)

/** NIST SP 800-63B §3.1.1.2: length is what counts. */
export const password = z.string().check(z.minLength(8), z.maxLength(256))

const { name, given_name, family_name, gender } = userRules
const email = text(userRules.email)
const locale = text(userRules.locale)
const zoneinfo = text(userRules.zoneinfo)

const attributes = {
  tenant_id: z.nullable(z.string()),
  name: z.nullable(line(name.longest)),
  given_name: z.nullable(line(given_name.longest)),
  family_name: z.nullable(line(family_name.longest)),
  email: z.nullable(email),
  email_verified: z.boolean(),
  gender: z.nullable(line(gender.longest)),
  locale: z.nullable(locale),
  zoneinfo: z.nullable(zoneinfo),
  enabled: z.boolean(),
  service_account: z.boolean(),
  claims: z.record(z.string(), z.unknown()),
}

export const userBody = z.partial(
  z.strictObject({
    ...attributes,
    login_name: z.string(),
    sub: z.string().check(z.maxLength(255), z.regex(/^[\x20-\x7e]+$/, { error: 'must be printable ASCII' })),
    /** `null` means no local password. */
    password: z.nullable(password),
    password_hash: z.string().check(z.maxLength(500)),
    /** Ids of the groups, all of them. */
    groups: set(z.string(), 200),
  }),
)
export type UserBody = z.output<typeof userBody>

export const userAnswer = z.object({
  user_id: userId,
  login_name: z.string(),
  sub: z.string(),
  ...attributes,
  has_password: z.boolean(),
  groups: z.array(z.string()),
  version: z.int(),
  /** Sessions and grants that began before this time are dead. */
  not_before: z.nullable(z.iso.datetime()),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
})

export function serialiseUser({ row, groups }: UserRecord): z.input<typeof userAnswer> {
  const { subject_ref, password_hash, ...shown } = row
  return {
    ...shown,
    has_password: password_hash !== null,
    groups: groups.map((group) => group.group_id).sort(),
    not_before: row.not_before === 0 ? null : toInstant(row.not_before),
    created_at: toInstant(row.created_at),
    updated_at: toInstant(row.updated_at),
  }
}
