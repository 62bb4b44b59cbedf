// docs/external-providers.md is true: its seed files are valid, its API paths and links exist, and it names every check of an attempt.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseSeed, validateSeed } from '../../src/admin/seed/seed-file.ts'
import { mappedFields, templateFields, upstreamAuthMethods } from '../../src/model/external-provider.ts'
import { attemptChecks, attemptSteps } from '../../src/model/login-attempt.ts'

const root = path.join(import.meta.dirname, '..', '..')
const read = (...names: string[]) => readFileSync(path.join(root, ...names), 'utf8')
const guide = read('docs', 'external-providers.md')

const headings = [...guide.matchAll(/^#+ (.+)$/gm)]
const headingBefore = (at: number) => headings.filter((heading) => heading.index < at).at(-1)?.[1] ?? ''
const seeds = [...guide.matchAll(/```json\n([\s\S]+?)```/g)].map(({ 1: text = '', index }) => ({
  heading: headingBefore(index),
  text,
}))

/** A value for every variable that the snippets name. */
const variables = Object.fromEntries(
  [...guide.matchAll(/\$\{?([A-Z][A-Z_]+)/g)].map(([, name]) => [name, '11111111-1111-4111-8111-111111111111']),
)

describe('each snippet is a seed file that a new instance accepts', () => {
  it.each(seeds)('$heading', async ({ text }) => {
    const parsed = parseSeed(text, variables)
    if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
    expect(Object.keys(parsed.seed.identity_providers ?? {})).toHaveLength(1)
    expect(await validateSeed(parsed.seed, new Map(), 'https://id.example.com')).toEqual({})
  })

  it('there is one for every provider the guide promises', () => {
    const promised = [
      'In five minutes',
      'One organisation',
      'Several organisations',
      'Google',
      'Okta',
      'Keycloak',
      'GitHub',
    ]
    expect(seeds.map((seed) => seed.heading)).toEqual(expect.arrayContaining([...promised, 'Facebook']))
  })
})

it('names every field of the template and every authentication method', () => {
  const names = [...templateFields, ...mappedFields, ...upstreamAuthMethods, 'claims.NAME']
  expect(names.filter((name) => !guide.includes(`\`${name}\``))).toEqual([])
})

it('calls only paths that the administration API has', () => {
  const { paths } = JSON.parse(read('docs', 'openapi.json')) as { paths: Record<string, Record<string, unknown>> }
  const templates = Object.entries(paths).map(([template, methods]) => ({
    pattern: new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    methods: Object.keys(methods).map((method) => method.toUpperCase()),
  }))
  const calls = [...guide.matchAll(/\bapi (GET|POST|PUT|PATCH|DELETE) +'?([\w./-]+)/g)]
  expect(calls.length).toBeGreaterThan(10)
  const unknown = calls.filter(
    ([, method = '', call]) =>
      !templates.some(({ pattern, methods }) => pattern.test(`/${call}`) && methods.includes(method)),
  )
  expect(unknown.map(([call]) => call)).toEqual([])
})

it('links to headings that exist', () => {
  const slugs = headings.map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  )
  const links = [...guide.matchAll(/\]\(#([\w-]+)\)/g)].map(([, slug]) => slug)
  expect(links.filter((slug) => !slugs.includes(slug ?? ''))).toEqual([])
})

const sources = ['brokering', 'interaction/external', 'protocol/id-token'].flatMap((folder) => {
  const files = readdirSync(path.join(root, 'src', folder), { recursive: true, encoding: 'utf8' })
  return files.filter((name) => /\.tsx?$/.test(name)).map((name) => path.join('src', folder, name))
})

it('explains every step and check of an attempt', () => {
  const table = guide.slice(guide.indexOf('| `step` |'), guide.indexOf('| the person says |'))
  const named = new Set([...table.matchAll(/`(\w+)`/g)].map(([, name]) => name))
  expect(attemptSteps.filter((step) => !named.has(step))).toEqual([])
  expect(new Set(attemptChecks).size).toBeGreaterThan(25)
  expect(attemptChecks.filter((check) => !named.has(check))).toEqual([])
})

it('lists no check that the code does not make', () => {
  const code = sources.map((file) => read(file)).join('\n')
  expect(attemptChecks.filter((check) => !code.includes(`'${check}'`))).toEqual([])
})
