import { expect, it } from 'vitest'
import { BrokeringError } from '../../src/model/login-attempt.ts'

const failure = {
  step: 'match',
  check: 'enabled',
  publicCause: 'account_disabled',
  cause: 'The user u-1 is disabled.',
  fix: 'Enable the user.',
  changes: [{ field: 'name', action: 'failed' }],
  known: { user_id: 'u-1' },
} as const

it('a BrokeringError is made of named fields', () => {
  const { cause, ...fields } = failure
  expect(new BrokeringError(failure)).toMatchObject({ ...fields, message: cause, outcome: 'refused' })
})

it('a BrokeringError of a field that cannot be filled has the field as its check', () => {
  const error = new BrokeringError({ ...failure, step: 'provisioning', check: { field: 'claims.department' } })
  expect(error.check).toBe('claims.department')
})

it('withKnown adds to a copy, and leaves the original as it was', () => {
  const original = Object.freeze(new BrokeringError(failure))
  const copy = original.withKnown({ subject: 'ada' })
  expect(original.known).toEqual({ user_id: 'u-1' })
  expect(copy).toBeInstanceOf(BrokeringError)
  expect({ ...copy, stack: copy.stack, message: copy.message }).toEqual({
    ...original,
    known: { user_id: 'u-1', subject: 'ada' },
    stack: original.stack,
    message: original.message,
  })
})
