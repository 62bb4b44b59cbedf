// Reads the password of a key file from a file, the environment or a silent prompt. Never from the command line, which other users of the
// machine and the shell's history would see.
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { Refusal } from './operator.ts'

const variable = 'COUNTERSIGN_PASSWORD'

export interface PasswordSource {
  file: string | undefined
  /** Text of the prompt. */
  question: string
  /** A new password is asked for twice, because a typing error would make the file unusable. */
  isNew: boolean
}

/** Returns undefined if there is no file, no variable and no terminal. */
export async function readPassword({ file, question, isNew }: PasswordSource): Promise<string | undefined> {
  if (file !== undefined) return withoutLineEnd(contentOf(file))
  const given = process.env[variable]
  if (given !== undefined) return given
  if (!process.stdin.isTTY) return undefined
  const password = await ask(question)
  if (isNew && (await ask('Once more')) !== password)
    throw new Refusal('The two passwords differ. Nothing was written.')
  return password
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new Refusal(`${file}: ${error instanceof Error ? error.message : error}`)
  }
}

/** Editors end a file with a newline, which is not part of the password. */
const withoutLineEnd = (text: string): string => text.replace(/\r?\n$/, '')

function ask(question: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const reader = createInterface({ input: process.stdin, output: silent, terminal: true })
  // The prompt comes after createInterface, which turns the echo off.
  process.stderr.write(`${question}: `)
  return new Promise((resolve, reject) => {
    let password: string | undefined
    reader.once('line', (line) => {
      password = line
      reader.close()
    })
    reader.once('close', () => {
      process.stderr.write('\n')
      if (password === undefined) reject(new Refusal('No password was given.'))
      else resolve(password)
    })
  })
}
