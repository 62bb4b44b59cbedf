// npm run deploy: looks whether the deployment is complete, says what is missing, then migrates D1 and deploys the Worker.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { root } from './dev-vars.ts'
import { configuredIssuer, Refusal, run } from './operator.ts'

const wrangler = path.join(root, 'node_modules', 'wrangler', 'bin', 'wrangler.js')
const secrets = ['SEAL_KEY', 'WRAP_KEY', 'PEPPER', 'OPERATOR_TOKEN']

interface Step {
  missing: string
  fix: string
}

await run(async () => {
  // In the order in which they are done: a database and secrets need the login.
  const account = accountSteps()
  const steps = [...account.login, ...configurationSteps(), ...account.secrets]
  if (steps.length > 0) {
    const list = steps.map(({ missing, fix }, index) => `${index + 1}. ${missing}\n${fix.replaceAll(/^/gm, '     ')}`)
    throw new Refusal(`Not deployed yet. What is missing:\n\n${list.join('\n\n')}\n\nThen: npm run deploy`)
  }
  // The tables come first: what is deployed finds what it needs, and what still runs finds what it had.
  act('d1', 'migrations', 'apply', 'DB', '--remote')
  act('deploy')
  const issuer = configuredIssuer()
  console.log(`
Deployed. ${issuer}/health says whether everything answers.
The first users, clients and administrator come from a seed file (docs/seed-file.md):
     OPERATOR_TOKEN=… npm run seed -- mine.json --remote ${issuer}`)
})

/** What wrangler.toml tells. */
function configurationSteps(): Step[] {
  const text = readFileSync(path.join(root, 'wrangler.toml'), 'utf8')
  const steps: Step[] = []
  if (/^database_id\s*=\s*"0{8}-0{4}-0{4}-0{4}-0{12}"/m.test(text)) {
    steps.push({
      missing: 'A database. Put the id that this prints into wrangler.toml (database_id):',
      fix: 'npx wrangler d1 create countersign --location weur',
    })
  }
  const issuer = configuredIssuer()
  if (!issuer.startsWith('https://')) {
    steps.push({
      missing: 'The issuer: the address clients will use, for good. In wrangler.toml under [vars], and as its route:',
      fix: 'AUTHORITY_URL = "https://id.example.com"\nroutes = [{ pattern = "id.example.com", custom_domain = true }]   (above the first [section])',
    })
  }
  return steps
}

/** What the account tells: nothing, while nobody is logged in. */
function accountSteps(): { login: Step[]; secrets: Step[] } {
  const answer = ask('secret', 'list', '--format', 'json')
  if (/not authenticated|not logged in|CLOUDFLARE_API_TOKEN/i.test(answer.text)) {
    const login = {
      missing: 'A login to Cloudflare (Workers Paid: a password costs about 100 ms of CPU):',
      fix: 'npx wrangler login',
    }
    return { login: [login], secrets: secretSteps([]) }
  }
  // The Worker is not there yet: `secret put` makes it.
  if (!answer.ok && !/not found|does not exist|10007/i.test(answer.text)) throw new Refusal(answer.text)
  return { login: [], secrets: secretSteps(answer.ok ? namesIn(answer.text) : []) }
}

function secretSteps(known: string[]): Step[] {
  const missing = secrets.filter((name) => !known.includes(name))
  if (missing.length === 0) return []
  return [
    {
      missing: `Secrets: ${missing.join(', ')}. Keep a copy: without WRAP_KEY the signing key is lost, without PEPPER every password.`,
      fix: missing
        .map(
          (name) =>
            `openssl rand -base64 32 | tr '+/' '-_' | tr -d '=\\n' | tee ${name}.secret | npx wrangler secret put ${name}`,
        )
        .join('\n'),
    },
  ]
}

function namesIn(text: string): string[] {
  const list = /\[[\s\S]*\]/.exec(text)?.[0]
  return list ? (JSON.parse(list) as { name: string }[]).map(({ name }) => name) : []
}

function ask(...args: string[]): { ok: boolean; text: string } {
  const result = spawnSync(process.execPath, [wrangler, ...args], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return { ok: result.status === 0, text: `${result.stdout}${result.stderr}` }
}

function act(...args: string[]): void {
  const { status } = spawnSync(process.execPath, [wrangler, ...args], { cwd: root, stdio: 'inherit' })
  if (status !== 0)
    throw new Refusal(`wrangler ${args.join(' ')} failed; nothing after it was done. npm run deploy may be repeated.`)
}
