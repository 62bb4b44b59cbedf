// JSON objects that strangers send, in a text of bounded size: never deeper than what comes after us can walk (SECURITY-CASES I11).

/** Levels. V8 reads a hundred thousand of them, but structured cloning (to a Durable Object) overflows at five thousand. */
export const deepestDocument = 32

/** Undefined: not JSON, not an object, or deeper than anybody means. */
export function parseJsonDocument(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return isDeeperThan(value, deepestDocument) ? undefined : (value as Record<string, unknown>)
  } catch {
    return undefined
  }
}

/** Looks no further down than it has to. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((member) => isDeeperThan(member, levels - 1))
}
