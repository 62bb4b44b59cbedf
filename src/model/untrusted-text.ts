// Prints what a stranger sent, for a detail, a log line, a sign-in attempt or a page: one line, bounded, and nothing in it that cannot be seen.
// Control characters could forge a line, bidirectional ones reorder it, and zero-width ones make two values look alike (SECURITY-CASES D13).

/** Control, format, unassigned and lone surrogates; line separators; whatever a font may draw as nothing; every blank but the space. */
const invisible = /[\p{C}\p{Zl}\p{Zp}\p{DI}]|(?! )\p{Zs}/u

/** At most `longest` characters and an ellipsis. What cannot be seen is written `\u{202e}`. */
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

/** In quotes, for a sentence. */
export const quoted = (text: string): string => `"${printable(text, 100)}"`

/** Any value of JSON: texts as they are, everything else as JSON writes it. */
export const shown = (value: unknown): string =>
  value === undefined ? 'missing' : printable(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))
