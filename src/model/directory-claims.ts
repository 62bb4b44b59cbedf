// Claims that the directory keeps of a person besides its own columns (OIDC Core §5.1), and what they may hold.

/** Statements of this provider about a token or a sign-in, which no directory may make: RFC 7519 §4.1, RFC 9068 §2, OIDC Core §2, §3.3.2.11. */
const protocolClaims = new Set(
  (
    'iss sub aud exp nbf iat jti azp nonce auth_time acr amr at_hash c_hash s_hash sid scope client_id cnf act may_act ' +
    'events typ token_type active username idp sub_jwk _claim_names _claim_sources'
  ).split(' '),
)

/** Made from columns of the user's row: set there. */
const columnClaims = new Set(
  'name given_name family_name preferred_username email email_verified gender locale zoneinfo groups updated_at'.split(
    ' ',
  ),
)

const claimName = /^[A-Za-z0-9_][\w.:/#-]{0,199}$/
const mostClaims = 100
const mostCharacters = 16_384

const isText = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= 1000
const text = (value: unknown) => (isText(value) ? undefined : 'must be a text of at most 1000 characters')
const flag = (value: unknown) => (typeof value === 'boolean' ? undefined : 'must be true or false')

function webAddress(value: unknown): string | undefined {
  const url = isText(value) ? URL.parse(value) : null
  return url?.protocol === 'https:' || url?.protocol === 'http:' ? undefined : 'must be a web address'
}

/** OIDC Core §5.1: YYYY-MM-DD, 0000-MM-DD without the year, or YYYY. */
function birthdate(value: unknown): string | undefined {
  const [whole, year, month = '01', day = '01'] = /^(\d{4})(?:-(\d\d)-(\d\d))?$/.exec(String(value)) ?? []
  // 2000 was a leap year: 0000-02-29 is a valid birthdate.
  const date = new Date(`${year === '0000' ? '2000' : year}-${month}-${day}T00:00:00Z`)
  const isReal = typeof value === 'string' && whole !== undefined && date.getUTCDate() === Number(day)
  return isReal ? undefined : 'must be a date, YYYY-MM-DD, 0000-MM-DD or YYYY'
}

const addressMembers = ['formatted', 'street_address', 'locality', 'region', 'postal_code', 'country']

/** OIDC Core §5.1.1 */
function address(value: unknown): string | undefined {
  const isAddress =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.entries(value).every(([member, part]) => addressMembers.includes(member) && isText(part))
  return isAddress ? undefined : `must be an object of texts: ${addressMembers.join(', ')}`
}

const typeOf: Record<string, (value: unknown) => string | undefined> = {
  middle_name: text,
  nickname: text,
  profile: webAddress,
  picture: webAddress,
  website: webAddress,
  birthdate,
  phone_number: text,
  phone_number_verified: flag,
  address,
}

/** Returns the fault of a claim name that a scope would release, or undefined if it has none. */
export function claimNameFault(claim: string): string | undefined {
  if (protocolClaims.has(claim)) return 'is a statement of the provider itself'
  if (!claimName.test(claim) || claim in {}) return 'is not a usable claim name'
  return undefined
}

/** Returns the fault of a claim name that the directory would keep beside its columns, or undefined if it has none. */
export const directoryClaimNameFault = (claim: string): string | undefined =>
  columnClaims.has(claim) ? 'has a field of its own or is made from one' : claimNameFault(claim)

/** Claim name → what is wrong with it, for the claims that are kept as one JSON value. */
export function directoryClaimFaults(claims: Record<string, unknown>): Record<string, string> {
  const faults: Record<string, string> = {}
  for (const [claim, value] of Object.entries(claims)) {
    const fault =
      directoryClaimNameFault(claim) ?? (value === null ? 'must have a value: leave it out' : typeOf[claim]?.(value))
    if (fault) faults[claim] = fault
  }
  // OIDC Core §5.1: phone_number_verified is a statement about a telephone number, so it needs one.
  if ('phone_number_verified' in claims && !('phone_number' in claims)) {
    faults.phone_number_verified ??= 'needs phone_number'
  }
  if (Object.keys(claims).length > mostClaims) faults['.'] = `must be at most ${mostClaims} claims`
  if (JSON.stringify(claims).length > mostCharacters)
    faults['.'] = `must be at most ${mostCharacters} characters of JSON`
  return faults
}
