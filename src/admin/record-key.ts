// What the records of the administration API share: a key in the path, 404 if there is none.
import type * as z from 'zod/mini'
import { notFound } from '../model/problems.ts'
import { refuseFaults } from '../model/refuse-faults.ts'
import { done, type Outcome } from './admin-route.ts'
import { faultsOf } from './schema-faults.ts'

/** Validates the key in the path of a record that may be created. Throws a Problem that names the field. */
export function parseKey(name: string, schema: z.ZodMiniType<string>, value: string): string {
  const result = schema.safeParse(value, { reportInput: true })
  if (!result.success) refuseFaults({ [name]: faultsOf(result.error.issues)['.'] ?? 'is not valid' })
  return value
}

export function found<Item>(item: Item | undefined): Item {
  if (item === undefined) throw notFound('There is no such record')
  return item
}

/** 204, or 404 if there was no such record. */
export const doneIfFound = (outcome: 'done' | 'unknown'): Outcome<undefined> =>
  found(outcome === 'done' ? done : undefined)
