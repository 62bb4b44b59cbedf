// The password of a key file: from a file, the environment or a prompt that shows nothing, never from the command line, where other users of
// the machine and the shell's history would see it.
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { Refusal } from './operator.ts'

const variable = 'COUNTERSIGN_PASSWORD'

export interface PasswordWish {
  file: string | undefined
  /** What the prompt asks for. */
  question: string
  /** Asked twice: what is mistyped now is missed later. */
  isNew: boolean
}

/** Undefined: there is neither file nor variable, and nobody to ask. */
export async function readPassword({ file, question, isNew }: PasswordWish): Promise<string | undefined> {
  if (file !== undefined) return withoutLineEnd(contentOf(file))
  const given = process.env[variable]
  if (given !== undefined) return given
  if (!process.stdin.isTTY) return undefined
  const password = await ask(question)
  if (isNew && (await ask('Once more')) !== password) throw new Refusal('These are two passwords. Nothing was written.')
  return password
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new Refusal(`${file}: ${error instanceof Error ? error.message : error}`)
  }
}

/** Editors end a file with one. */
const withoutLineEnd = (text: string): string => text.replace(/\r?\n$/, '')

function ask(question: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const reader = createInterface({ input: process.stdin, output: silent, terminal: true })
  // Only now does the terminal show nothing.
  process.stderr.write(`${question}: `)
  return new Promise((resolve, reject) => {
    let answer: string | undefined
    reader.once('line', (line) => {
      answer = line
      reader.close()
    })
    reader.once('close', () => {
      process.stderr.write('\n')
      if (answer === undefined) reject(new Refusal('No password was given.'))
      else resolve(answer)
    })
  })
}
