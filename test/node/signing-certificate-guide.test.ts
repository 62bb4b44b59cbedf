// docs/signing-certificate.md is true: it names every variable of the settings, and its AWS policy allows every operation we call.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'

const root = path.join(import.meta.dirname, '..', '..')
const guide = readFileSync(path.join(root, 'docs', 'signing-certificate.md'), 'utf8')
const source = readFileSync(path.join(root, 'src', 'request', 'vault-settings.ts'), 'utf8')

it('names every variable, including the names of appsettings.json', () => {
  const table = source.slice(0, source.indexOf('} as const'))
  const names = [...table.matchAll(/'([A-Z]\w+)'/g)].map(([, name = '']) => name)
  expect(names.length).toBeGreaterThan(30)
  expect(names.filter((name) => !guide.includes(`\`${name}\``))).toEqual([])
})

it('has a complete policy for AWS', () => {
  const [, json = ''] = /```json\n([\s\S]+?)```/.exec(guide) ?? []
  const { Version, Statement } = JSON.parse(json)
  expect(Version).toBe('2012-10-17')
  const client = readFileSync(path.join(root, 'src', 'signing-keys', 'vaults', 'aws-secrets-manager.ts'), 'utf8')
  const operations = new Set([...client.matchAll(/ask\(client, '(\w+)'/g)].map(([, operation]) => operation))
  expect(Statement[0].Action.toSorted()).toEqual([...operations].map((each) => `secretsmanager:${each}`).sort())
})
