import { describe, expect, expectTypeOf, it } from 'vitest'
import { changedFields, compact, merge } from '../../src/model/record.ts'

describe('compact', () => {
  it('leaves out members that are undefined, and keeps the order of the others', () => {
    const input = { b: 1, absent: undefined, a: 'x', nested: { absent: undefined } }
    expect(Object.entries(compact(input))).toEqual([
      ['b', 1],
      ['a', 'x'],
      ['nested', { absent: undefined }],
    ])
    expect(input).toHaveProperty('absent')
  })

  it('keeps null, false, 0 and empty texts and lists', () => {
    const value = { none: null, no: false, zero: 0, text: '', list: [] }
    expect(compact(value)).toEqual(value)
  })

  it('makes members optional that may be undefined', () => {
    const state = undefined as string | undefined
    expectTypeOf(compact({ code: 'c', state })).toExtend<{ code: string; state?: string }>()
    expect(compact({ code: 'c', state })).toStrictEqual({ code: 'c' })
  })
})

describe('a change of a record', () => {
  const stored = { name: 'Ada', groups: ['a'], email: null as string | null }

  it('keeps fields that are left out, clears fields with null and ignores unknown fields', () => {
    const input = { name: undefined, email: 'ada@example.test', other: 1 }
    expect(merge(stored, input)).toEqual({ ...stored, email: 'ada@example.test' })
    const named: typeof stored = { ...stored, email: 'ada@example.test' }
    expect(merge(named, { email: null })).toEqual(stored)
  })

  it('names the fields whose values differ', () => {
    expect(changedFields(stored, { ...stored, groups: ['a'] })).toEqual([])
    expect(changedFields(stored, { ...stored, groups: ['a', 'b'] })).toEqual(['groups'])
    expect(changedFields(undefined, { name: 'Ada' })).toEqual(['name'])
  })
})
