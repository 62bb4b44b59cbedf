// npm run deploy: checks that the configuration is complete and lists what is missing; otherwise migrates D1 and deploys the Worker.
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
  // The steps are listed in the order in which to do them: creating a database and setting secrets need the login.
  const account = accountSteps()
  const steps = [...account.login, ...configurationSteps(), ...account.secrets]
  if (steps.length > 0) {
    const list = steps.map(({ missing, fix }, index) => `${index + 1}. ${missing}\n${fix.replaceAll(/^/gm, '     ')}`)
    throw new Refusal(`Not deployed: the following is missing.\n\n${list.join('\n\n')}\n\nThen: npm run deploy`)
  }
  // Migrations come first: the new Worker finds the tables it needs, and the running one still finds those it knows.
  execute('d1', 'migrations', 'apply', 'DB', '--remote')
  execute('deploy')
  const issuer = configuredIssuer()
  console.log(`
Deployed. ${issuer}/health reports whether everything works.
Create the first users, clients and administrator with a seed file (docs/seed-file.md):
     OPERATOR_TOKEN=… npm run seed -- mine.json --remote ${issuer}`)
})

/** Steps that wrangler.toml shows to be missing. */
function configurationSteps(): Step[] {
  const text = readFileSync(path.join(root, 'wrangler.toml'), 'utf8')
  const steps: Step[] = []
  if (/^database_id\s*=\s*"0{8}-0{4}-0{4}-0{4}-0{12}"/m.test(text)) {
    steps.push({
      missing: 'A database. Put the id that this command prints into wrangler.toml (database_id):',
      fix: 'npx wrangler d1 create countersign --location weur',
    })
  }
  const issuer = configuredIssuer()
  if (!issuer.startsWith('https://')) {
    steps.push({
      missing:
        'The issuer: the permanent address that clients use. Set it in wrangler.toml under [vars], and as the route:',
      fix: 'AUTHORITY_URL = "https://id.example.com"\nroutes = [{ pattern = "id.example.com", custom_domain = true }]   (above the first [section])',
    })
  }
  return steps
}

/** Steps that the Cloudflare account shows to be missing. Without a login the account cannot be read, so every secret is listed. */
function accountSteps(): { login: Step[]; secrets: Step[] } {
  const result = capture('secret', 'list', '--format', 'json')
  if (/not authenticated|not logged in|CLOUDFLARE_API_TOKEN/i.test(result.text)) {
    const login = {
      missing: 'A login to Cloudflare (the account needs Workers Paid: checking a password takes about 100 ms of CPU):',
      fix: 'npx wrangler login',
    }
    return { login: [login], secrets: secretSteps([]) }
  }
  // A Worker that does not exist yet is no fault: `secret put` creates it.
  if (!result.ok && !/not found|does not exist|10007/i.test(result.text)) throw new Refusal(result.text)
  return { login: [], secrets: secretSteps(result.ok ? namesIn(result.text) : []) }
}

function secretSteps(known: string[]): Step[] {
  const missing = secrets.filter((name) => !known.includes(name))
  if (missing.length === 0) return []
  return [
    {
      missing: `Secrets: ${missing.join(', ')}. Keep a copy: without WRAP_KEY the signing keys are lost, without PEPPER all passwords.`,
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

/** Runs wrangler and returns everything it printed. */
function capture(...args: string[]): { ok: boolean; text: string } {
  const result = spawnSync(process.execPath, [wrangler, ...args], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return { ok: result.status === 0, text: `${result.stdout}${result.stderr}` }
}

/** Runs wrangler with its output shown. Throws a Refusal if it fails. */
function execute(...args: string[]): void {
  const { status } = spawnSync(process.execPath, [wrangler, ...args], { cwd: root, stdio: 'inherit' })
  if (status !== 0)
    throw new Refusal(`wrangler ${args.join(' ')} failed; no later step was run. It is safe to repeat npm run deploy.`)
}
