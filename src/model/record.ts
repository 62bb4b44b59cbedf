// Changes of a record, field by field.

/** Names of the fields whose values differ. Nothing differs: nothing is written, and nobody is told. */
export function changedFields(stored: object | undefined, next: object): string[] {
  const [before, after] = [{ ...stored } as Record<string, unknown>, next as Record<string, unknown>]
  return Object.keys(after).filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
}

/** PUT creates or updates: a field that the body leaves out keeps its value. */
export function merge<Stored extends object>(
  stored: Stored,
  body: { [Name in keyof Stored]?: Stored[Name] | undefined },
): Stored {
  const given = Object.entries(body).filter(([name, value]) => value !== undefined && name in stored)
  return { ...stored, ...Object.fromEntries(given) }
}
