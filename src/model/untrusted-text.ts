// Prints untrusted text for a detail, a log line, a sign-in attempt or a page: one line, bounded, without invisible characters.
// Control characters could forge a line, bidirectional ones reorder it, and zero-width ones make two values look alike (SECURITY-CASES D13).

/** Control, format, unassigned and lone surrogates; line separators; whatever a font may draw as nothing; every blank but the space. */
const invisible = /[\p{C}\p{Zl}\p{Zp}\p{DI}]|(?! )\p{Zs}/u

/** Returns at most `longest` characters and an ellipsis. Invisible characters are written `\u{202e}`. */
export function printable(text: string, longest = 300): string {
  if (text.length <= longest && !invisible.test(text)) return text
  let printed = ''
  for (const character of text.slice(0, longest + 1)) {
    const next = invisible.test(character) ? `\\u{${character.codePointAt(0)?.toString(16)}}` : character
    if (printed.length + next.length > longest) return `${printed}…`
    printed += next
  }
  return printed
}

/** Returns the text in quotes, for a sentence. */
export const quoted = (text: string): string => `"${printable(text, 100)}"`

/** Prints any JSON value: strings as they are, everything else as JSON. */
export const shown = (value: unknown): string =>
  value === undefined ? 'missing' : printable(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))
