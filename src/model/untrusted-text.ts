// Text from strangers, made fit for an operator's eyes and for the log.

/** What came as a claim, parameter or member: bounded and printable. */
export const shown = (value: unknown): string =>
  value === undefined ? 'missing' : printable(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))

/** One line of at most 300 characters, without characters that cannot be seen. */
export const printable = (text: string): string =>
  text
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .trim()
    .slice(0, 300)
