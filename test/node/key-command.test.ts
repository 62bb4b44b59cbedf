// npx countersign key … at a running provider, with key files that openssl and forge write and read.
import { execFile, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generateKeyMaterial, type KeyMaterial } from '../../src/crypto/key-material.ts'
import { writePem } from '../../src/crypto/pem.ts'
import { isThere, readWithForge, tool, writeWithForge } from './pkcs12-tools.ts'
import { type Provider, startProvider } from './server.ts'

const root = path.join(import.meta.dirname, '..', '..')
const folder = mkdtempSync(path.join(tmpdir(), 'key-command-'))
const at = (name: string) => path.join(folder, name)
const hasOpenssl = isThere('openssl', 'version')
const password = 'pass phrase with blanks'
let provider: Provider

beforeAll(async () => {
  provider = await startProvider()
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await provider.stop()
})

interface Outcome {
  code: number
  output: string
}

function key(args: string[], env: Record<string, string> = {}): Promise<Outcome> {
  const all = ['scripts/countersign.ts', 'key', ...args, '--remote', provider.issuer]
  const options = { cwd: root, env: { ...process.env, OPERATOR_TOKEN: provider.secrets.OPERATOR_TOKEN, ...env } }
  return new Promise((resolve) => {
    execFile(process.execPath, all, options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
    )
  })
}

async function aPem(): Promise<string> {
  const made: KeyMaterial = await generateKeyMaterial('RSA', 2048, Date.now())
  return writePem({ ...made, chain: [] })
}

const modeOf = (file: string): number => statSync(file).mode & 0o777
const kidsOf = (output: string): string[] => output.match(/\b[0-9A-F]{40}RS256\b/g) ?? []

describe('npx countersign', () => {
  it('is found by npx inside the checkout, and prints its usage', async () => {
    const { output } = await new Promise<Outcome>((resolve) => {
      // With npm's default cache, npx would use a bin that it has cached for this folder.
      const env = { ...process.env, npm_config_cache: at('npm') }
      execFile('npx', ['--no', 'countersign', 'key', 'nonsense'], { cwd: root, env }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
      )
    })
    expect(output).toMatch(/Usage: npx countersign key COMMAND/)
  })

  it('accepts no password on the command line', async () => {
    const { code, output } = await key(['export', '--password', password])
    expect(code).toBe(1)
    expect(output).toMatch(/^Unknown option '--password'/)
  })

  it('names an option that the command does not have', async () => {
    expect((await key(['list', '--now'])).output).toMatch(/^key list has no option --now/)
  })
})

describe('key import', () => {
  let first: string

  it('imports a PFX of forge with a password from a file; the only key signs at once', async () => {
    expect((await key(['list'])).output).toMatch(/^There is no key yet/)
    writeFileSync(at('forge.pfx'), writeWithForge(await aPem(), password, { algorithm: '3des' }))
    writeFileSync(at('password'), `${password}\n`)
    const { code, output } = await key(['import', at('forge.pfx'), '--password-file', at('password')])
    expect(code, output).toBe(0)
    expect(output).toMatch(/^Imported:\n {2}active {4}[0-9A-F]{40}RS256 \(local\): signs\n$/)
    first = kidsOf(output)[0] ?? ''
    expect((await key(['list'])).output).toContain(`active    RS256 ${first}\n                local, signs since `)
  })

  it('K09 names the fault of a file and changes nothing', async () => {
    const wrong = await key(['import', at('forge.pfx')], { COUNTERSIGN_PASSWORD: 'not this one' })
    expect(wrong.code).toBe(1)
    expect(wrong.output).toMatch(/nothing was changed\n {2}file wrong_password: /)
    expect(wrong.output).not.toContain('not this one')
    writeFileSync(at('cut.pfx'), readFileSync(at('forge.pfx')).subarray(0, 500))
    expect((await key(['import', at('cut.pfx')])).output).toMatch(/file not_pkcs12: /)
    expect((await key(['import', at('none.pfx')])).output).toMatch(/none\.pfx: ENOENT/)
    expect(kidsOf((await key(['list'])).output)).toEqual([first])
  })

  it.runIf(hasOpenssl)('announces a PFX of openssl, and recognises it again in legacy encryption', async () => {
    writeFileSync(at('other.pem'), await aPem())
    const written = (name: string, ...more: string[]) =>
      tool(
        'openssl',
        'pkcs12',
        '-export',
        '-in',
        at('other.pem'),
        '-out',
        at(name),
        '-passout',
        `pass:${password}`,
        ...more,
      )
    await written('openssl.pfx')
    const env = { COUNTERSIGN_PASSWORD: password }
    const { output } = await key(['import', at('openssl.pfx')], env)
    expect(output).toMatch(
      /^Imported:\n {2}announced [0-9A-F]{40}RS256 \(local\): published now, will sign from \d{4}-/,
    )
    const thumbprint = await tool('openssl', 'x509', '-in', at('other.pem'), '-noout', '-fingerprint', '-sha1')
    expect(kidsOf(output)[0]).toBe(`${thumbprint.split('=')[1]?.trim().replaceAll(':', '')}RS256`)
    if (!isThere('openssl', 'list', '-providers', '-provider', 'legacy')) return
    await written('legacy.pfx', '-legacy')
    expect((await key(['import', at('legacy.pfx')], env)).output).toMatch(/^Already imported:/)
    expect(kidsOf((await key(['list'])).output)).toHaveLength(2)
  })

  it('asks for no password if the file is not encrypted', async () => {
    writeFileSync(at('third.pem'), await aPem())
    const { code, output } = await key(['import', at('third.pem'), '--now'])
    expect(code, output).toBe(0)
    expect(output).toMatch(/active {4}[0-9A-F]{40}RS256 \(local\): signs\n/)
    expect((await key(['list'])).output).toMatch(new RegExp(`retired {3}RS256 ${first}`))
  })
})

describe('key export', () => {
  it('writes the signing key for its owner only, and openssl and forge can open it', async () => {
    const out = at('export.pfx')
    const { code, output } = await key(['export', '--out', out], { COUNTERSIGN_PASSWORD: password })
    expect(code, output).toBe(0)
    expect(output).toMatch(/export\.pfx: [0-9A-F]{40}RS256 with its private key\./)
    expect(output).not.toContain(password)
    expect(modeOf(out)).toBe(0o600)
    const { certificates } = readWithForge(readFileSync(out), password)
    const third = readFileSync(at('third.pem'), 'utf8').replaceAll(/\s/g, '')
    expect(third).toContain(certificates[0])
    if (!hasOpenssl) return
    const opened = await tool('openssl', 'pkcs12', '-in', out, '-passin', `pass:${password}`, '-nodes')
    expect(opened.replaceAll(/\s/g, '')).toContain(certificates[0])
    expect(opened).toMatch(/-----BEGIN PRIVATE KEY-----/)
    expect(opened).toMatch(/friendlyName: CountersignOpenID/)
  })

  it('overwrites a file only with --force, and then only its owner may read it', async () => {
    const out = at('export.pfx')
    const before = readFileSync(out)
    const env = { COUNTERSIGN_PASSWORD: password }
    const refused = await key(['export', '--out', out], env)
    expect(refused).toMatchObject({ code: 1, output: expect.stringMatching(/already exists: use --force/) })
    expect(readFileSync(out).equals(before)).toBe(true)
    chmodSync(out, 0o644)
    const forced = ['export', '--out', out, '--force', '--encryption', '3des', '--name', 'IndiciumOpenID']
    expect((await key(forced, env)).code).toBe(0)
    expect(modeOf(out)).toBe(0o600)
    expect(readWithForge(readFileSync(out), password).certificates).toHaveLength(1)
    expect(existsSync(`${out}.${process.pid}`)).toBe(false)
  })

  it('exports no PFX without a password, and writes no file', async () => {
    const { code, output } = await key(['export', '--out', at('bare.pfx')])
    expect(code).toBe(1)
    expect(output).toMatch(/^A PFX needs a password: use --password-file/)
    expect(existsSync(at('bare.pfx'))).toBe(false)
  })

  it('writes PEM and JWK, and warns that they are not encrypted', async () => {
    const pem = await key(['export', '--format', 'pem', '--out', at('out.pem')])
    expect(pem.output).toMatch(/not encrypted/)
    expect(readFileSync(at('out.pem'), 'utf8')).toBe(readFileSync(at('third.pem'), 'utf8'))
    await key(['export', '--format', 'jwk', '--out', at('out.json')])
    expect(JSON.parse(readFileSync(at('out.json'), 'utf8'))).toMatchObject({ kty: 'RSA', alg: 'RS256' })
    expect(modeOf(at('out.json'))).toBe(0o600)
    expect((await key(['import', at('out.json')])).output).toMatch(/^Already imported:/)
  })

  it.runIf(isThere('script', '--version'))('asks twice at a terminal, and echoes nothing', async () => {
    const exportAtTerminal = async (...lines: string[]): Promise<string> => {
      const command = `${process.execPath} scripts/countersign.ts key export --out ${at('asked.pfx')} --remote ${provider.issuer}`
      const env = { ...process.env, OPERATOR_TOKEN: provider.secrets.OPERATOR_TOKEN }
      const child = spawn('script', ['-qec', command, '/dev/null'], { cwd: root, env })
      let shown = ''
      let asked = 0
      child.stdout.on('data', (chunk: Buffer) => {
        shown += chunk
        const questions = shown.match(/(Password for \S+|Once more): /g)?.length ?? 0
        for (; asked < questions; asked += 1) child.stdin.write(`${lines[asked]}\r`)
      })
      await new Promise((resolve) => child.once('close', resolve))
      return shown
    }
    expect(await exportAtTerminal('one', 'other')).toMatch(/The two passwords differ/)
    expect(existsSync(at('asked.pfx'))).toBe(false)
    const shown = await exportAtTerminal('an asked one', 'an asked one')
    expect(shown).toMatch(/with its private key/)
    expect(shown).not.toContain('an asked one')
    expect(readWithForge(readFileSync(at('asked.pfx')), 'an asked one').certificates).toHaveLength(1)
  })
})

describe('key rotate, key retire', () => {
  it('announces a successor, and takes a key out of use', async () => {
    await provider.operator('PUT', 'clients/web', {
      redirect_uris: ['https://rp.test/cb'],
      token_endpoint_auth_method: 'none',
    })
    const rotated = await key(['rotate'])
    expect(rotated.output).toMatch(/^A new key is announced: it will sign from \d{4}-/)
    const signing = /active +RS256 (\S+)/.exec(rotated.output)?.[1] ?? ''
    const { code, output } = await key(['retire', signing])
    expect(code, output).toBe(0)
    expect(output).toMatch(/is no longer in the JWKS.* Its successor signs now: [0-9A-F]{40}RS256\.\n$/)
    expect((await key(['list'])).output).toContain(`gone      RS256 ${signing}`)
    expect((await key(['retire', 'ABC'])).output).toMatch(/There is no key with this kid\n$/)
  })

  it('every command is recorded in the audit log with its actor and vault', async () => {
    const { items } = (await provider.operator('GET', 'audit-events?limit=100')) as {
      items: { action: string; actor: string; detail: { vault?: string } }[]
    }
    const ofKeys = items.filter(({ action }) => action.startsWith('key.'))
    expect([...new Set(ofKeys.map(({ action }) => action))].sort()).toEqual(
      expect.arrayContaining(['key.announced', 'key.exported', 'key.imported', 'key.retired', 'key.revoked']),
    )
    for (const event of ofKeys) expect(event).toMatchObject({ actor: 'operator', detail: { vault: 'local' } })
  })
})
