// Every path is written once, in src/request/addresses.ts: elsewhere a path in quotes would miss the day it changes.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'

const root = path.resolve(import.meta.dirname, '../../src')
const only = 'request/addresses.ts'

/** A text, or a part of a template, that begins with one of our paths. */
const literal = /['"`}]\/(connect|account|external|\.well-known|health|playground|admin\/api)(?![\w-])/

const findLiterals = (file: string, text: string): string[] =>
  text
    .split('\n')
    .flatMap((line, index) =>
      literal.test(line.replace(/^\s*(\/\/|\/?\*).*/, '')) ? [`src/${file}:${index + 1}: ${line.trim()}`] : [],
    )

const sources = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file))

it('no file of src/ but addresses.ts contains a path of this provider', () => {
  expect(
    sources
      .filter((file) => file !== only)
      .flatMap((file) => findLiterals(file, readFileSync(path.join(root, file), 'utf8'))),
  ).toEqual([])
})

it('finds paths in texts and templates, and leaves comments and the addresses of others alone', () => {
  const found = (line: string) => findLiterals('x.ts', line).length
  expect(found("redirect('/account')")).toBe(1)
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a line of source.
  expect(found('`${issuer.url}/connect/token`')).toBe(1)
  expect(found("a: '/external/callback/:provider_id',")).toBe(1)
  expect(found('// GET /account, or `/account`')).toBe(0)
  expect(found("'https://accounts.google.com/.well-known/openid-configuration'")).toBe(0)
  expect(found("import { account } from '../account/account.ts'")).toBe(0)
})

it('addresses.ts itself has them', () => {
  expect(findLiterals(only, readFileSync(path.join(root, only), 'utf8')).length).toBeGreaterThan(20)
})
