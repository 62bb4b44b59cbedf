// The faults that a schema found, as texts that name each field.
import type * as z from 'zod/mini'
import { refuseFaults } from '../model/refuse-faults.ts'

/** Maps each field path to its fault; the path of the body itself is `.`. */
export function faultsOf(issues: readonly z.core.$ZodIssue[]): Record<string, string> {
  const faults: Record<string, string> = {}
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) faults[pathOf([...issue.path, key])] ??= 'is not a known field'
    } else {
      faults[pathOf(issue.path)] ??= textOf(issue)
    }
  }
  return faults
}

/** Throws a Problem that names every faulty field. */
export function parseValue<Schema extends z.ZodMiniType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value, { reportInput: true })
  if (!result.success) refuseFaults(faultsOf(result.error.issues))
  return result.data as z.output<Schema>
}

const pathOf = (path: readonly PropertyKey[]): string => (path.length === 0 ? '.' : path.map(String).join('.'))

function textOf(issue: z.core.$ZodIssue): string {
  // zod/mini has no texts of its own, so any other text is ours.
  if (issue.message && issue.message !== 'Invalid input') return issue.message
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : `must be ${named(issue.expected)}`
    case 'invalid_value':
      return `must be one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`
    case 'too_small':
      return issue.origin === 'string' && issue.minimum === 1
        ? 'must not be empty'
        : `must be at least ${issue.minimum}${unitOf(issue.origin)}`
    case 'too_big':
      return `must be at most ${issue.maximum}${unitOf(issue.origin)}`
    case 'invalid_format':
      return `must have the form ${issue.pattern ?? issue.format}`
    case 'invalid_key':
      return 'has a name of the wrong form'
    default:
      return 'is not valid'
  }
}

const named = (type: string): string => (/^[aeio]/.test(type) ? `an ${type}` : `a ${type}`)

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters long'
  if (origin === 'array' || origin === 'set') return ' items long'
  return ''
}
