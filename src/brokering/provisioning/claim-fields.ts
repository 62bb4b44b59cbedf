// Which texts a provider may put into a field of a user: the directory's own rules, and that the value is a known one.

import type { PlainField } from '../../model/external-provider.ts'
import { loginNameFault, normaliseLoginName } from '../../model/login-name.ts'
import { textFault, userRules } from '../../model/user-rules.ts'
import { invisibleFault, mailFault } from './claim-values.ts'

/** A field in the form in which it is kept, or what is wrong with the text. */
export type FieldVerdict = { value: string } | { fault: string }

export function validateField(field: PlainField, text: string, tenants: ReadonlySet<string>): FieldVerdict {
  const value = kept(field, text)
  const fault = faultOf(field, value, tenants)
  return fault === undefined ? { value } : { fault }
}

/** A new user's id: the rule of the directory is stricter than identityFault, so it holds for both. */
export function validateUserId(text: string): FieldVerdict {
  const fault = textFault(userRules.user_id, text)
  return fault === undefined ? { value: text } : { fault }
}

function kept(field: PlainField, text: string): string {
  switch (field) {
    case 'login_name':
      return normaliseLoginName(text)
    // OIDC Core §5.1: some write en_US, which a client may accept.
    case 'locale':
      return text.trim().replaceAll('_', '-')
    // Compared and shown exactly: judged as it came.
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

/** By the names that this runtime knows (IANA); an offset such as +01:00 is none. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
