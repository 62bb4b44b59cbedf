// What every record of the operators' interface has in common: a key in the path, and changes told by field name.
import type * as z from 'zod/mini'
import { Problem } from '../protocol/errors.ts'
import { faultsOf, refuseFaults } from './faults.ts'

/** The key that a path names, for a record that may be created under it. Throws a Problem that names the field. */
export function parseKey(name: string, schema: z.ZodMiniType<string>, value: string): string {
  const result = schema.safeParse(value, { reportInput: true })
  if (!result.success) refuseFaults({ [name]: faultsOf(result.error.issues)['.'] ?? 'is not valid' })
  return value
}

export function found<Item>(item: Item | undefined): Item {
  if (item === undefined) throw new Problem(404, 'There is no such record')
  return item
}

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
