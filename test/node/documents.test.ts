// What the documents name exists: files and folders in backticks, npm scripts, and the targets of internal links.
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { scripts } from '../../package.json'

const root = path.resolve(import.meta.dirname, '../..')

const documents = ['README.md', ...readdirSync(path.join(root, 'docs')).map((file) => `docs/${file}`)]
  .filter((file) => file.endsWith('.md'))
  .sort()

const readDocument = (file: string): string => readFileSync(path.join(root, file), 'utf8')

/** Names that the text announces for later (design.md §10 lists folders to come). */
const planned = ['docs/scale.md', 'src/console/']

/** Paths in backticks below a folder of the project, without what follows in a command. */
function pathsIn(text: string): string[] {
  const named = [...text.matchAll(/`((?:src|test|docs|scripts|bench|seeds|\.ci)\/[^`\s]*)/g)]
  return named.map(([, name = '']) => name.replace(/[.,:;]$/, '')).filter((name) => !planned.includes(name))
}

/** `<name>`, `…` and `*` stand for any name. */
function exists(name: string): boolean {
  const pattern = name.replaceAll(/<[^>]*>|…/g, '*')
  return pattern.includes('*') || pattern.includes('{')
    ? globSync(pattern, { cwd: root }).length > 0
    : existsSync(path.join(root, pattern))
}

const scriptsIn = (text: string): string[] => [
  ...new Set([...text.matchAll(/npm run (?:-s )?([a-z][a-z:-]*[a-z])/g)].map(([, name = '']) => name)),
]

/** Targets of links to files of the project, which may name a heading. */
const linksIn = (text: string): string[] =>
  [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target).filter((target) => !/^[a-z]+:/.test(target))

/** The anchors that GitHub gives the headings of a document. */
function anchorsIn(text: string): string[] {
  const headings = text.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/^#{1,6} (.+)$/gm)
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function isBroken(file: string, link: string): boolean {
  const [name = '', anchor] = link.split('#')
  const target = name === '' ? file : path.posix.join(path.posix.dirname(file), name)
  if (!existsSync(path.join(root, target))) return true
  return anchor !== undefined && !anchorsIn(readDocument(target)).includes(anchor)
}

describe.each(documents)('%s', (file) => {
  const text = readDocument(file)

  it('names only files and folders that exist', () => {
    expect(pathsIn(text).filter((name) => !exists(name))).toEqual([])
  })

  it('names only npm scripts that exist', () => {
    expect(scriptsIn(text).filter((name) => !Object.hasOwn(scripts, name))).toEqual([])
  })

  it('links only to files and headings that exist', () => {
    expect(linksIn(text).filter((link) => isBroken(file, link))).toEqual([])
  })
})

it('finds a missing file, a missing script and a broken link', () => {
  expect(pathsIn('see `src/gone.ts`, `test/*.gone` and `npm test`').filter((name) => !exists(name))).toEqual([
    'src/gone.ts',
    'test/*.gone',
  ])
  expect(exists('src/admin/resources/<name>.ts')).toBe(true)
  expect(scriptsIn('`npm run gone -- x`')).toEqual(['gone'])
  const links = linksIn(
    '[a](docs/gone.md) [b](README.md#gone) [c](https://example.test/) [d](docs/seed-file.md#resources)',
  )
  expect(links.filter((link) => isBroken('README.md', link))).toEqual(['docs/gone.md', 'README.md#gone'])
})
