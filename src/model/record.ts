// Operations on records, field by field: leave out absent fields, merge, compare.

/** `T` without the members that are undefined: a named member that may be undefined becomes optional. */
export type Compact<T> = string extends keyof T
  ? { [Name in keyof T]: Exclude<T[Name], undefined> }
  : {
      [Name in keyof T as undefined extends T[Name] ? never : Name]: T[Name]
    } & {
      [Name in keyof T as undefined extends T[Name] ? Name : never]?: Exclude<T[Name], undefined>
    }

/** Returns a copy without the members that are undefined, in the same order. Members that are null stay. */
export function compact<T extends object>(value: T): Compact<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Compact<T>
}

/** Returns the names of the fields whose values differ. If there are none, nothing is written and no isolate is notified. */
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
