// What a person types to sign in, in the one form that is stored and compared (SECURITY-CASES I18: no two spellings of one name).

const longest = 200

/** NFKC, no blanks around, lower case; the second NFKC joins what lower-casing took apart. */
export function normaliseLoginName(text: string): string {
  return text.normalize('NFKC').trim().toLowerCase().normalize('NFKC').trim()
}

/** Returns the fault of a normalised login name, or undefined if it has none. */
export function loginNameFault(name: string): string | undefined {
  if (name.length === 0) return 'must not be empty'
  if (name.length > longest) return `must have at most ${longest} characters`
  // Control, format (zero width, direction) and private-use characters look like nothing, or like another name.
  if (/[\p{C}]/u.test(name)) return 'must have no control or invisible characters'
  return undefined
}
