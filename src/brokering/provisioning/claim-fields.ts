// Validates the text that an external provider sends for a field of a user: the directory's rules apply, and tenants and time zones must exist.

import type { PlainField } from '../../model/external-provider.ts'
import { loginNameFault, normaliseLoginName } from '../../model/login-name.ts'
import { textFault, userRules } from '../../model/user-rules.ts'
import { invisibleFault, mailFault } from './claim-values.ts'

/** The normalised value as it is stored, or what is wrong with the text (the end of a sentence that begins with the field's name). */
export type FieldResult = { value: string } | { fault: string }

/** `tenants`: the ids of the tenants that exist. */
export function validateField(field: PlainField, text: string, tenants: ReadonlySet<string>): FieldResult {
  const value = normalise(field, text)
  const fault = faultOf(field, value, tenants)
  return fault === undefined ? { value } : { fault }
}

/** Validates the user_id of a new user. The directory's rule is stricter than identityFault, so a valid user_id passes both. */
export function validateUserId(text: string): FieldResult {
  const fault = textFault(userRules.user_id, text)
  return fault === undefined ? { value: text } : { fault }
}

function normalise(field: PlainField, text: string): string {
  switch (field) {
    case 'login_name':
      return normaliseLoginName(text)
    // OIDC Core §5.1: some providers write en_US instead of en-US, which a client may accept.
    case 'locale':
      return text.trim().replaceAll('_', '-')
    // Compared exactly, so not normalised: a text that needs it fails validation.
    case 'tenant_id':
    case 'email':
      return text
    default:
      return text.normalize('NFC').trim()
  }
}

function faultOf(field: PlainField, value: string, tenants: ReadonlySet<string>): string | undefined {
  switch (field) {
    case 'login_name':
      return loginNameFault(value)
    case 'tenant_id':
      return tenants.has(value) ? undefined : 'is not a tenant'
    case 'email':
      return textFault(userRules.email, value) ?? mailFault(value)
    case 'zoneinfo':
      return textFault(userRules.zoneinfo, value) ?? (isTimeZone(value) ? undefined : 'is not a known time zone')
    case 'locale':
      return textFault(userRules.locale, value)
    default:
      return textFault(userRules[field], value) ?? invisibleFault(value)
  }
}

/** Whether the runtime knows an IANA time zone of this name. An offset such as +01:00 is not a name. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
