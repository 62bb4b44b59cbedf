// npx countersign key …: lists, exports, imports, rotates and retires signing keys (docs/signing-certificate.md).
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type ApiResponse, findOperator, type Operator, type Problem, Refusal } from './operator.ts'
import { readPassword } from './password.ts'

const usage = `Usage: npx countersign key COMMAND [--remote [URL]]

  list                    list every key: state, algorithm, vault, kid, and when it signs
  export [KID|VERSION]    write a private key to a file; without a name, the key that signs RS256 now
      --out FILE          default: KID.pfx (.pem, .json)
      --format pfx|pem|jwk          default: pfx; pem and jwk are not encrypted
      --encryption aes256|3des      pfx only; 3des is for Windows Server 2016 and older
      --name TEXT         pfx only; the friendly name that Windows shows
      --force             overwrite FILE
  import FILE             import a pfx, a pem bundle or a jwk with x5c; it signs after the announce period
      --now               sign with it at once: for the first set-up and for emergencies
  rotate                  announce a successor of every key
  retire KID              take a key out of use at once; tokens it signed are rejected from then on

The password of a file comes from --password-file FILE, COUNTERSIGN_PASSWORD in the environment, or a prompt.
Without --remote, the command talks to the provider on this machine. With it, set OPERATOR_TOKEN in the environment.`

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
  /** Least and greatest number of arguments after the command. */
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

/** Throws a Refusal with the usage if the arguments fit no command. */
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
  // --remote without a URL means the issuer in wrangler.toml.
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
  if (keys.length === 0) return console.log('There is no key yet: the first one is created when a client is enabled.')
  for (const key of keys) {
    console.log(
      `${key.state.padEnd(9)} ${key.alg.padEnd(5)} ${key.kid}\n${' '.repeat(16)}${key.vault}, ${timesOf(key)}`,
    )
  }
}

function timesOf({ state, activates_at, retired_at, gone_at }: Key): string {
  if (state === 'announced') return `published, will sign from ${activates_at}`
  if (state === 'retired') return `signed until ${retired_at}, published until ${gone_at}`
  if (state === 'gone') return `published until ${gone_at}`
  return `signs since ${activates_at}`
}

/** The kid of the newest RS256 key that signs. Includes announced keys whose activation time has passed: their stored state may lag behind. */
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
  // Checked before the export, because the provider records every export in its audit log.
  if (!force && existsSync(out)) throw new Refusal(`${out} already exists: use --force to overwrite it`)
  const isEncrypted = format === 'pfx'
  const source = { file: values['password-file'], question: `Password for ${out}`, isNew: true }
  const password = isEncrypted ? await readPassword(source) : undefined
  if (isEncrypted && !password) {
    throw new Refusal(
      'A PFX needs a password: use --password-file FILE, set COUNTERSIGN_PASSWORD, or run this in a terminal',
    )
  }
  const response = await operator.request('POST', `keys/${encodeURIComponent(key)}/export`, {
    format,
    ...(password === undefined ? {} : { password }),
    ...(encryption === undefined ? {} : { encryption }),
    ...(values.name === undefined ? {} : { friendly_name: values.name }),
  })
  const { kid, file } = bodyOf(operator, response)
  writePrivately(out, Buffer.from(String(file), 'base64'), force)
  const warning = isEncrypted ? '' : ' The file is not encrypted.'
  console.log(`${out}: ${kid} with its private key.${warning} Anyone who can read it can issue tokens.`)
}

/** Only the owner may read the file, even if it replaces one that others could read. */
function writePrivately(file: string, content: Uint8Array, force: boolean): void {
  const target = force ? `${file}.${process.pid}` : file
  try {
    writeFileSync(target, content, { mode: 0o600, flag: 'wx' })
    if (force) renameSync(target, file)
  } catch (error) {
    throw new Refusal(`cannot write ${file}: ${error instanceof Error ? error.message : error}`)
  }
}

async function importKey(operator: Operator, name = '', values: Values): Promise<void> {
  const content = contentOf(name)
  const text = content.toString('latin1')
  // Unencrypted PEM and JWK files have no password.
  const isClear = /^\s*\{/.test(text) || (text.includes('-----BEGIN ') && !text.includes('ENCRYPTED PRIVATE KEY'))
  const source = { file: values['password-file'], question: `Password of ${name} (empty for none)`, isNew: false }
  const password = isClear ? undefined : await readPassword(source)
  const response = await operator.request('POST', 'keys/import', {
    file: content.toString('base64'),
    ...(password === undefined ? {} : { password }),
    ...(values.now ? { activate: 'now' } : {}),
  })
  const { outcome, keys } = bodyOf(operator, response)
  const headings = {
    imported: 'Imported:',
    activated: 'Already imported; now it signs:',
    known: 'Already imported:',
  }
  console.log(headings[outcome as keyof typeof headings])
  for (const { kid, state, activates_at, vault } of keys as Key[]) {
    const when = state === 'announced' ? `published now, will sign from ${activates_at}` : 'signs'
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
    `${isNew ? 'A new key is announced' : 'A new key was already announced'}: it will sign from ${activates_at}.`,
  )
  await list(operator)
}

async function retire(operator: Operator, kid = ''): Promise<void> {
  const response = await operator.request('POST', `keys/${encodeURIComponent(kid)}/retire`)
  const successors = bodyOf(operator, response).replaced_by as string[]
  const replaced = successors.length > 0 ? ` Its successor signs now: ${successors.join(', ')}.` : ''
  console.log(`${kid} is no longer in the JWKS, and tokens it signed are rejected.${replaced}`)
}

/** The JSON of a successful response. Throws a Refusal that lists the faults of any other. */
function bodyOf({ issuer }: Operator, { status, body }: ApiResponse): Record<string, unknown> {
  if (status === 200 && body) return body
  const { title, fields = {} } = (body ?? {}) as Problem
  const faults = Object.entries(fields).map(([field, fault]) => `\n  ${field} ${fault}`)
  throw new Refusal(`${issuer}: ${title ?? status}${faults.join('')}`)
}
