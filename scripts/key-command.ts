// npx countersign key …: the signing certificate, from server to server and through its life (docs/signing-certificate.md).
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type Answer, findOperator, type Operator, type Problem, Refusal } from './operator.ts'
import { readPassword } from './password.ts'

const usage = `Usage: npx countersign key COMMAND [--remote [URL]]

  list                    every key: state, algorithm, vault, kid, and when it signs
  export [KID|VERSION]    write a private key as a file; without a name, the one that signs RS256
      --out FILE          default: KID.pfx (.pem, .json)
      --format pfx|pem|jwk          default: pfx; pem and jwk are in the clear
      --encryption aes256|3des      of a pfx; 3des for Windows Server 2016 and older
      --name TEXT         of a pfx: what Windows shows beside the certificate
      --force             overwrite FILE
  import FILE             take in a pfx, a pem bundle or a jwk with x5c; it signs when the announce period is over
      --now               it signs at once: first set-up and emergencies
  rotate                  announce a successor of every key
  retire KID              take a key out of use at once: nothing it signed is believed again

The password of a file: --password-file FILE, COUNTERSIGN_PASSWORD in the environment, or a prompt.
Without --remote: the provider on this machine. With it, OPERATOR_TOKEN belongs into the environment.`

const options = {
  remote: { type: 'string' },
  out: { type: 'string' },
  format: { type: 'string', default: 'pfx' },
  encryption: { type: 'string' },
  name: { type: 'string' },
  force: { type: 'boolean', default: false },
  now: { type: 'boolean', default: false },
  'password-file': { type: 'string' },
} as const

type Values = ReturnType<typeof parse>['values']

interface Command {
  /** How many names may stand after it. */
  names: [least: number, most: number]
  options: (keyof typeof options)[]
  act(operator: Operator, name: string | undefined, values: Values): Promise<void>
}

const commands: Readonly<Record<string, Command>> = {
  list: { names: [0, 0], options: [], act: list },
  export: {
    names: [0, 1],
    options: ['out', 'format', 'encryption', 'name', 'force', 'password-file'],
    act: exportKey,
  },
  import: { names: [1, 1], options: ['now', 'password-file'], act: importKey },
  rotate: { names: [0, 0], options: [], act: rotate },
  retire: { names: [1, 1], options: [], act: retire },
}

/** Throws a Refusal with the usage when the arguments fit no command. */
export async function runKeyCommand(args: string[]): Promise<void> {
  const { values, positionals, given, toOwnRemote } = parse(args)
  const [name = '', ...names] = positionals
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command || names.length < command.names[0] || names.length > command.names[1]) throw new Refusal(usage)
  const stray = given.find((option) => option !== 'remote' && !command.options.includes(option as never))
  if (stray) throw new Refusal(`key ${name} has no option --${stray}\n\n${usage}`)
  await command.act(findOperator(toOwnRemote ? true : values.remote), names[0], values)
}

function parse(args: string[]) {
  // --remote alone means the provider of wrangler.toml.
  const at = args.indexOf('--remote')
  const toOwnRemote = at >= 0 && !/^https?:/.test(args[at + 1] ?? '')
  const rest = toOwnRemote ? args.filter((_, index) => index !== at) : args
  try {
    const { values, positionals, tokens } = parseArgs({ args: rest, options, allowPositionals: true, tokens: true })
    const given = tokens.flatMap((token) => (token.kind === 'option' ? [token.name] : []))
    return { values, positionals, given, toOwnRemote }
  } catch (error) {
    throw new Refusal(`${error instanceof Error ? error.message : error}\n\n${usage}`)
  }
}

interface Key {
  kid: string
  alg: string
  state: string
  version: string
  vault: string
  created_at: string
  activates_at: string
  retired_at: string | null
  gone_at: string | null
}

async function keysOf(operator: Operator): Promise<Key[]> {
  const { items } = bodyOf(operator, await operator.request('GET', 'keys'))
  return items as Key[]
}

async function list(operator: Operator): Promise<void> {
  const keys = await keysOf(operator)
  if (keys.length === 0) return console.log('There is no key yet: the first one is made when a client is enabled.')
  for (const key of keys) {
    console.log(
      `${key.state.padEnd(9)} ${key.alg.padEnd(5)} ${key.kid}\n${' '.repeat(16)}${key.vault}, ${timesOf(key)}`,
    )
  }
}

function timesOf({ state, activates_at, retired_at, gone_at }: Key): string {
  if (state === 'announced') return `published, signs from ${activates_at} on`
  if (state === 'retired') return `signed until ${retired_at}, published until ${gone_at}`
  if (state === 'gone') return `published until ${gone_at}`
  return `signs since ${activates_at}`
}

/** What signs now is the newest: an announced key whose time has come counts, though its row may not say so yet. */
async function signingKid(operator: Operator): Promise<string> {
  const isSigning = ({ state, activates_at }: Key) =>
    state === 'active' || (state === 'announced' && Date.parse(activates_at) <= Date.now())
  const keys = (await keysOf(operator)).filter((key) => key.alg === 'RS256' && isSigning(key))
  const [newest] = keys.sort((a, b) => Date.parse(b.activates_at) - Date.parse(a.activates_at))
  if (!newest) throw new Refusal(`${operator.issuer} has no RS256 key that signs`)
  return newest.kid
}

const endings: Readonly<Record<string, string>> = { pfx: 'pfx', pem: 'pem', jwk: 'json' }

async function exportKey(operator: Operator, name: string | undefined, values: Values): Promise<void> {
  const { format, force, encryption } = values
  const key = name ?? (await signingKid(operator))
  const out = values.out ?? `${key}.${endings[format] ?? format}`
  // Before the key leaves the provider, which is written down there.
  if (!force && existsSync(out)) throw new Refusal(`${out} is there already: --force overwrites it`)
  const isSealed = format === 'pfx'
  const wish = { file: values['password-file'], question: `Password for ${out}`, isNew: true }
  const password = isSealed ? await readPassword(wish) : undefined
  if (isSealed && !password) {
    throw new Refusal('A PFX has a password: --password-file FILE, COUNTERSIGN_PASSWORD, or a terminal to ask at')
  }
  const answer = await operator.request('POST', `keys/${encodeURIComponent(key)}/export`, {
    format,
    ...(password === undefined ? {} : { password }),
    ...(encryption === undefined ? {} : { encryption }),
    ...(values.name === undefined ? {} : { friendly_name: values.name }),
  })
  const { kid, file } = bodyOf(operator, answer)
  writePrivately(out, Buffer.from(String(file), 'base64'), force)
  const warning = isSealed ? '' : ' It is in the clear.'
  console.log(`${out}: ${kid} with its private key.${warning} Whoever can read it can issue tokens.`)
}

/** Only the owner may read it, also where a file of that name could be read by others. */
function writePrivately(file: string, content: Uint8Array, force: boolean): void {
  const target = force ? `${file}.${process.pid}` : file
  try {
    writeFileSync(target, content, { mode: 0o600, flag: 'wx' })
    if (force) renameSync(target, file)
  } catch (error) {
    throw new Refusal(`${file} cannot be written: ${error instanceof Error ? error.message : error}`)
  }
}

async function importKey(operator: Operator, name = '', values: Values): Promise<void> {
  const content = contentOf(name)
  const text = content.toString('latin1')
  // PEM and JWK in the clear have no password to ask for.
  const isClear = /^\s*\{/.test(text) || (text.includes('-----BEGIN ') && !text.includes('ENCRYPTED PRIVATE KEY'))
  const wish = { file: values['password-file'], question: `Password of ${name} (empty for none)`, isNew: false }
  const password = isClear ? undefined : await readPassword(wish)
  const answer = await operator.request('POST', 'keys/import', {
    file: content.toString('base64'),
    ...(password === undefined ? {} : { password }),
    ...(values.now ? { activate: 'now' } : {}),
  })
  const { outcome, keys } = bodyOf(operator, answer)
  const words = {
    imported: 'Taken in:',
    activated: 'It was here already, and signs now:',
    known: 'It is here already:',
  }
  console.log(words[outcome as keyof typeof words])
  for (const { kid, state, activates_at, vault } of keys as Key[]) {
    const when = state === 'announced' ? `published now, signs from ${activates_at} on` : 'signs'
    console.log(`  ${state.padEnd(9)} ${kid} (${vault}): ${when}`)
  }
}

function contentOf(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new Refusal(`${file}: ${error instanceof Error ? error.message : error}`)
  }
}

async function rotate(operator: Operator): Promise<void> {
  const { outcome, activates_at } = bodyOf(operator, await operator.request('POST', 'keys/rotate'))
  const isNew = outcome === 'announced'
  console.log(
    `${isNew ? 'A new key is announced' : 'A new key is announced already'}: it signs from ${activates_at} on.`,
  )
  await list(operator)
}

async function retire(operator: Operator, kid = ''): Promise<void> {
  const answer = await operator.request('POST', `keys/${encodeURIComponent(kid)}/retire`)
  const successors = bodyOf(operator, answer).replaced_by as string[]
  const replaced = successors.length > 0 ? ` Instead of it signs: ${successors.join(', ')}.` : ''
  console.log(`${kid} has left the JWKS, and nothing it signed is believed again.${replaced}`)
}

function bodyOf({ issuer }: Operator, { status, body }: Answer): Record<string, unknown> {
  if (status === 200 && body) return body
  const { title, fields = {} } = (body ?? {}) as Problem
  const faults = Object.entries(fields).map(([field, fault]) => `\n  ${field} ${fault}`)
  throw new Refusal(`${issuer}: ${title ?? status}${faults.join('')}`)
}
