import fc from 'fast-check'
import { expect, it } from 'vitest'
import { loginNameFault, normaliseLoginName } from '../../src/model/login-name.ts'

it('I18 every spelling of a name becomes one', () => {
  for (const spelling of ['alice', ' Alice ', 'ALICE', '\tａｌｉｃｅ\n', 'ⒶLICE']) {
    expect(normaliseLoginName(spelling), spelling).toBe('alice')
  }
  expect(normaliseLoginName('\u212Belvin')).toBe(normaliseLoginName('A\u030Aelvin'))
})

it('I18 a normalised name stays as it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const once = normaliseLoginName(text)
      expect(normaliseLoginName(once)).toBe(once)
    }),
  )
})

it('I18 invisible characters are refused', () => {
  expect(loginNameFault('alice')).toBeUndefined()
  for (const name of ['', 'al\u200bice', 'al\u202eice', 'al\nice', 'al\0ice', 'a'.repeat(201)]) {
    expect(loginNameFault(name), JSON.stringify(name)).toBeTypeOf('string')
  }
})
