// How deep a JSON value of somebody else may be, so that whatever handles it next can walk it.

/** Levels. V8 reads a hundred thousand of them, but structured cloning (to a Durable Object) overflows at five thousand. */
export const deepestDocument = 32

/** Looks no further down than it has to. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((member) => isDeeperThan(member, levels - 1))
}
