// Limits the depth of untrusted JSON, so that code which walks it later does not overflow the stack.

/** Levels. V8 parses a hundred thousand of them, but structured cloning (to a Durable Object) overflows at five thousand. */
export const deepestDocument = 32

/** Stops at the first member that is too deep. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((member) => isDeeperThan(member, levels - 1))
}
