// .dev.vars: the secrets and variables of the local provider, one NAME=value per line. Secrets are generated once and never overwritten.
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

export const root = path.join(import.meta.dirname, '..')
const file = path.join(root, '.dev.vars')

export type Variables = Record<string, string | undefined>

/** Everything sealed under these is lost without them: signing keys, sessions, refresh tokens, passwords. */
export const sealingSecrets = ['SEAL_KEY', 'WRAP_KEY', 'PEPPER']

export const randomSecret = (): string => randomBytes(32).toString('base64url')

export function readDevVars(): Variables {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const lines = [...text.matchAll(/^\s*([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/gm)]
  return Object.fromEntries(lines.map(([, name, value = '']) => [name, unquoted(value)]))
}

const unquoted = (value: string): string => /^(["'])(.*)\1$/.exec(value)?.[2] ?? value

/** Replaces values in place and appends new names. Only the owner may read the file. */
export function writeDevVars(changes: Record<string, string>): void {
  let text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  for (const [name, value] of Object.entries(changes)) {
    const line = new RegExp(`^\\s*${name}\\s*=.*$`, 'm')
    if (line.test(text)) text = text.replace(line, () => `${name}=${value}`)
    else text += `${text === '' || text.endsWith('\n') ? '' : '\n'}${name}=${value}\n`
  }
  writeFileSync(file, text, { mode: 0o600 })
}

/** A random password that is easy to read aloud and to type: four groups of three syllables, about 76 bits. */
export function pronounceable(): string {
  const syllable = () => pick('bdfghjklmnprstvz') + pick('aeiou')
  const group = () => syllable() + syllable() + syllable()
  return [group(), group(), group(), group()].join('-')
}

function pick(letters: string): string {
  // 256 is not a multiple of 5, so bytes above the largest multiple are discarded; otherwise some letters would be more likely.
  for (;;) {
    const [byte = 0] = randomBytes(1)
    if (byte < 256 - (256 % letters.length)) return letters[byte % letters.length] ?? ''
  }
}
