// The developer's own .dev.vars, .env, wrangler.toml and shell variables change nothing in tests, benchmarks and demos.
import { execFile, fork } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = path.join(import.meta.dirname, '..', '..')
const copy = mkdtempSync(path.join(tmpdir(), 'poisoned-'))
const run = promisify(execFile)

/** Each value alone would have a visible effect: a fault of the settings, another issuer, a vault, the playground, a request log. */
const poison: Record<string, string> = {
  AUTHORITY_URL: 'http://localhost:8787',
  SEAL_KEY: 'too-short',
  WRAP_KEY: 'too-short',
  PEPPER: 'too-short',
  OPERATOR_TOKEN: 'too-short',
  PLAYGROUND: 'on',
  REQUEST_LOG: 'on',
  KEY_VAULT_CERTIFICATE_URL: 'https://nowhere.vault.azure.net/certificates/openid',
  OpenIDServerSigningSettings__AzureKeyVault__ClientSecret: 'a-secret',
  AZURE_TENANT_ID: 'a-tenant',
  AWS_SECRET_NAME: 'openid',
  AWS_REGION: 'nowhere',
  SIGNING_PEERS: 'many',
}
/** Variables that change the configuration wrangler reads, and the behaviour of Node and the vendors' SDKs. */
const poisonOfTools = {
  CLOUDFLARE_ENV: 'production',
  HTTP_PROXY: 'http://127.0.0.1:9',
  AWS_PROFILE: 'nobody',
  PORT: '8787',
}

const environment = { ...process.env, ...poison, ...poisonOfTools }

const linesOf = (variables: Record<string, string>, quote = ''): string =>
  Object.entries(variables)
    .map(([name, value]) => `${name}=${quote}${value}${quote}\n`)
    .join('')

beforeAll(() => {
  const excluded = /^(\.git|\.wrangler|\.dev\.vars.*|\.env.*|dist|coverage|node_modules)$/
  cpSync(root, copy, { recursive: true, filter: (file) => !excluded.test(path.relative(root, file)) })
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'))
})
afterAll(() => rmSync(copy, { recursive: true, force: true }))

function poisonFiles(): void {
  for (const name of ['.dev.vars', '.dev.vars.production', '.env', '.env.local']) {
    writeFileSync(path.join(copy, name), linesOf({ ...poison, ...poisonOfTools }))
  }
}

/** Leaves out the secrets: wrangler.toml declares them, and wrangler accepts no name twice. */
function poisonConfiguration(): void {
  const configuration = path.join(copy, 'wrangler.toml')
  const vars = Object.fromEntries(Object.entries(poison).filter(([, value]) => value !== 'too-short'))
  const clean = readFileSync(configuration, 'utf8').replaceAll(
    new RegExp(`^(${Object.keys(vars).join('|')}) = .*\n`, 'gm'),
    '',
  )
  writeFileSync(
    configuration,
    `${clean.replace('[vars]\n', `[vars]\n${linesOf(vars, '"')}`)}\n[env.production]\nname = "another"\n`,
  )
}

/** The types of the bindings, as `npm run typecheck` writes them. */
async function typesOfBindings(env: NodeJS.ProcessEnv): Promise<string> {
  await run(process.execPath, ['scripts/binding-types.ts'], { cwd: copy, env })
  return readFileSync(path.join(copy, 'worker-configuration.d.ts'), 'utf8')
}

it('the type check sees the same bindings with .dev.vars, .env and the shell’s variables', async () => {
  const before = await typesOfBindings(process.env)
  expect(before).toContain('SEAL_KEY: string')
  poisonFiles()
  expect(await typesOfBindings(environment)).toBe(before)
})

describe('with wrangler.toml poisoned too', () => {
  beforeAll(() => {
    poisonFiles()
    poisonConfiguration()
  })

  it('a test server has its own issuer, no fault, no vault and no playground, and logs no request', async () => {
    const server = fork(path.join(copy, 'scripts/serve.ts'), { cwd: copy, env: environment, silent: true })
    const printed: string[] = []
    for (const stream of [server.stdout, server.stderr]) stream?.on('data', (chunk) => printed.push(String(chunk)))
    const closed = new Promise<void>((resolve) => server.once('close', () => resolve()))
    try {
      const { issuer } = await new Promise<{ issuer: string }>((resolve, reject) => {
        server.once('message', (message) => resolve(message as { issuer: string }))
        closed.then(() => reject(new Error(printed.join(''))))
      })
      expect(issuer).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
      const discovery = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()
      expect(discovery).toMatchObject({ issuer })
      const health = await (await fetch(`${issuer}/health`)).json()
      expect(health).not.toHaveProperty('faults')
      expect(health).not.toHaveProperty('vault')
      expect((await fetch(`${issuer}/playground/`)).status).toBe(404)
    } finally {
      server.kill()
      await closed
    }
    expect(printed.join('')).toBe('')
  }, 90_000)

  it('tests in workerd get the same variables', async () => {
    const argv = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'workers', 'test/request/variables.test.ts']
    const { stdout } = await run(process.execPath, argv, { cwd: copy, env: environment })
    expect(stdout).toMatch(/^1 passed, 0 failed$/m)
  }, 90_000)
})
