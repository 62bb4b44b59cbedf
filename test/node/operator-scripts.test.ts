// npm run seed, why and rotate-key at a running provider, as an operator types them.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Provider, redirectOf, startProvider } from './server.ts'

const scripts = path.join(import.meta.dirname, '..', '..', 'scripts')
const folder = mkdtempSync(path.join(tmpdir(), 'seed-'))
const secret = 'b7f2c09e5d814a36e8130fda96c47b52'
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

function script(name: string, args: string[], token = provider.secrets.OPERATOR_TOKEN): Promise<Outcome> {
  const env = { ...process.env, OPERATOR_TOKEN: token, WEB_SECRET: secret }
  const all = [path.join(scripts, name), ...args, '--remote', provider.issuer]
  return new Promise((resolve) => {
    execFile(process.execPath, all, { env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
    )
  })
}

function seedFile(document: unknown): string {
  const file = path.join(folder, 'seed.json')
  writeFileSync(file, JSON.stringify(document))
  return file
}

const seed = {
  users: { alice: { password: 'correct horse battery', name: 'Alice' } },
  administrators: { alice: { role: 'main_administrator' } },
  clients: {
    web: { redirect_uris: ['https://rp.test/cb'], secrets: [{ value: '$WEB_SECRET' }] },
  },
}

describe('npm run seed', () => {
  it('prints which entries it created, updated or left unchanged', async () => {
    const created = await script('seed.ts', [seedFile(seed)])
    expect(created).toEqual({
      code: 0,
      output: 'created   users.alice\ncreated   administrators.alice\ncreated   clients.web\n',
    })
    expect((await script('seed.ts', [seedFile(seed)])).output).toBe(
      'unchanged users.alice\nunchanged administrators.alice\nunchanged clients.web\n',
    )
    const changed = { settings: { display_name: 'Acme' }, users: { alice: { name: 'Alice A.' } } }
    expect((await script('seed.ts', [seedFile(changed)])).output).toBe('updated   settings\nupdated   users.alice\n')
  })

  it('reports every fault with its path and writes nothing', async () => {
    const faulty = { users: { bob: {}, carol: { email: 'x' } }, clients: { spa: { scopes: ['nothing'] } } }
    const form = await script('seed.ts', [seedFile(faulty)])
    expect(form.code).toBe(1)
    expect(form.output).toMatch(/nothing was written:\n {2}users\.carol\.email must be an e-mail address\n$/)
    const rules = await script('seed.ts', [seedFile({ ...faulty, users: { bob: {} } })])
    expect(rules.output).toMatch(/clients\.spa\.redirect_uris .*\n {2}clients\.spa\.scopes .* nothing\n$/)
    await expect(provider.operator('GET', 'users/bob')).rejects.toThrow('404')
  })

  it('reports a fault that only the provider can find', async () => {
    const { code, output } = await script('seed.ts', [seedFile({ users: { mallory: { login_name: 'ALICE' } } })])
    expect(code).toBe(1)
    expect(output).toMatch(/^refused {3}users\.mallory: .*login_name/)
  })

  it('names the fault of a wrong call', async () => {
    expect((await script('seed.ts', [])).output).toMatch(/^Usage/)
    expect((await script('seed.ts', ['/nowhere.json'])).output).toMatch(/no such file/)
    expect((await script('seed.ts', [seedFile(seed)], 'wrong')).output).toMatch(/does not accept this OPERATOR_TOKEN/)
  })
})

describe('npm run why', () => {
  it('prints what was expected, what was received and what to change, but never the secret', async () => {
    const refused = await fetch(`${provider.issuer}/connect/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: 'web',
        client_secret: 'not-the-secret',
      }),
    })
    expect(refused.status).toBe(401)
    const { code, output } = await script('why.ts', [refused.headers.get('x-request-id') ?? ''])
    expect(code).toBe(0)
    expect(output).toMatch(/^invalid_client: /)
    for (const label of ['when', 'where', 'client', 'check', 'expected', 'received', 'change']) {
      expect(output).toMatch(new RegExp(`^ {2}${label} +\\S`, 'm'))
    }
    expect(output).not.toMatch(new RegExp(`not-the-secret|${secret}`))
  })

  it('also finds the request id of a sign-in at an external provider', async () => {
    const address = 'http://127.0.0.1:9'
    const endpoints = { authorization_endpoint: address, token_endpoint: address, userinfo_endpoint: address }
    await provider.operator('PUT', 'identity-providers/forge', { kind: 'oauth2', client_id: 'web', endpoints })
    const browser = provider.browser()
    const login = await browser.open(`${provider.issuer}/account`)
    const there = redirectOf(await browser.submit(login, { provider: 'forge' }))
    const response = new URLSearchParams({ error: 'access_denied', state: there.searchParams.get('state') ?? '' })
    const page = await browser.open(`${provider.issuer}/external/callback/forge?${response}`)
    expect(page.status).toBe(403)
    const { code, output } = await script('why.ts', [page.headers.get('x-request-id') ?? ''])
    expect(code).toBe(0)
    expect(output).toMatch(/^refused at step callback: The provider answered "access_denied"/)
    for (const label of ['when', 'provider', 'check', 'change'])
      expect(output).toMatch(new RegExp(`^ {2}${label} +\\S`, 'm'))
  })

  it('says that a request is not known', async () => {
    const { code, output } = await script('why.ts', ['5cf9c1d2-0000-4000-8000-000000000000'])
    expect(code).toBe(1)
    expect(output).toMatch(/no refusal .* 5cf9c1d2[\s\S]*24 hours/)
  })
})

describe('npm run rotate-key', () => {
  it('announces one successor and lists both keys', async () => {
    const first = await script('rotate-key.ts', [])
    expect(first.output).toMatch(/^A new key is announced:/)
    expect(first.output).toMatch(/ {2}active +RS256/)
    expect(first.output).toMatch(/ {2}announced RS256/)
    expect((await script('rotate-key.ts', [])).output).toMatch(/^A new key was already announced:/)
  })
})
