// Three servers with one certificate: two Countersign instances that share only a vault and the issuer, and a server of another product.
// They verify each other's tokens while the certificate is rotated.
import { fakeKeyVault } from '../../test/fakes/azure-key-vault.ts'
import { listen } from '../../test/node/listen.ts'
import { basic, type Provider, startProvider } from '../../test/node/server.ts'
import { cachedJwks } from './cached-jwks.ts'
import { newTally, type Tally } from './tally.ts'
import { type Expectations, startThirdServer, type ThirdServer, verifyAccessToken } from './third-server.ts'

const issuer = 'https://id.example.com'
const certificate = 'openid'
const client = { clientId: 'hybrid', secret: 'kY2vN8cQ5wZ1rT7mB4xL9pS3dF6gH0jA-hybrid-client' }
const expected: Expectations = { issuer, clientId: client.clientId, sub: 'robot', scope: 'full_api_access' }

/** The shortest announce period that the settings allow: jwks_max_age + serve_stale_for. */
const settings = {
  token_profile: 'identityserver',
  introspect_foreign_tokens: true,
  jwks_max_age: 2,
  key_announce_period: 2,
  serve_stale_for: 15,
}

export interface HybridOptions {
  /** Milliseconds of load before and after the rotation. */
  calm: number
  /** Milliseconds between two rounds. In each round every server signs and all of them verify. */
  pause: number
  say(line: string): void
}

export interface HybridReport {
  verifications: number
  failures: string[]
  /** Signing key of each server before and after the rotation. */
  kids: { before: string[]; after: string[] }
  verifiedByPfx: number
}

interface Party {
  name: string
  issue(): Promise<string>
}

interface Verifier {
  name: string
  /** Throws if the token is not valid. */
  verify(token: string): Promise<void>
}

/** Milliseconds that a rotation may take until every server signs with the new certificate. */
const longestRotation = 60_000

export async function runHybrid({ calm, pause, say }: HybridOptions): Promise<HybridReport> {
  const fake = fakeKeyVault()
  const vault = await listen(fake.answer)
  const running: Provider[] = []
  try {
    const [edge, onPremise] = await startInstances(vault.origin, running)
    const kidsOfInstances = async () => [await signingKid(edge), await signingKid(onPremise)]
    const third = await startThirdServer(
      { url: vault.origin, name: certificate },
      expected,
      cachedJwks(() => jwksOf(edge)).keys,
    )
    const before = [...(await kidsOfInstances()), third.kid()]
    say(`edge, on-premise and the third server sign with ${[...new Set(before)].join(', ')}`)

    const tally = newTally()
    const signers = signersOf(edge, onPremise, third)
    const verifiers = verifiersOf(edge, onPremise, third)
    const load = underLoad(signers, verifiers, tally, pause)
    await wait(calm)
    say(`${tally.verifications()} verifications, ${tally.failures().length} failures; rotating the certificate`)

    const startedAt = Date.now()
    const announced = await edge.operator('POST', 'keys/rotate')
    // The other instance would find the successor in the vault within minutes; a request to rotate makes it look at once.
    await onPremise.operator('POST', 'keys/rotate')
    say(`the successor is published; it will sign from ${(announced as { activates_at: string }).activates_at}`)
    const deadline = startedAt + longestRotation
    await until(deadline, 'the third server finds the new certificate under the name it reads', async () => {
      await third.readVault()
      return third.kid() !== before[2]
    })
    await until(deadline, 'both instances sign with the new certificate', async () =>
      (await kidsOfInstances()).every((kid) => kid === third.kid()),
    )
    const after = [...(await kidsOfInstances()), third.kid()]
    say(`after ${Math.round((Date.now() - startedAt) / 1000)} s all three sign with ${[...new Set(after)].join(', ')}`)
    await wait(calm)
    await load.end()

    for (const line of tally.lines(namesOf(signers), namesOf(verifiers))) say(line)
    const report = { verifications: tally.verifications(), failures: tally.failures(), kids: { before, after } }
    return { ...report, verifiedByPfx: third.verifiedByPfx() }
  } finally {
    await Promise.all(running.map((each) => each.stop()))
    await vault.stop()
  }
}

/** One instance at the edge with a client secret, and one on a server with that server's managed identity. */
async function startInstances(vault: string, running: Provider[]): Promise<[Provider, Provider]> {
  const shared = { KEY_VAULT_CERTIFICATE_URL: `${vault}/certificates/${certificate}` }
  const principal = { AZURE_TENANT_ID: 'the-tenant', AZURE_CLIENT_ID: 'the-client', AZURE_AUTHORITY_HOST: vault }
  const rateLimit = { limit: 1_000_000, period: 10 } as const
  const [edge, onPremise] = await Promise.all([
    startProvider({ issuer, rateLimit, vars: { ...shared, ...principal, AZURE_CLIENT_SECRET: 'the-client-secret' } }),
    startProvider({
      issuer,
      rateLimit,
      vars: { ...shared, IDENTITY_ENDPOINT: `${vault}/msi`, IDENTITY_HEADER: 'the-identity-header' },
    }),
  ])
  running.push(edge, onPremise)
  // Both start at once and must agree on one certificate.
  await Promise.all(running.map(seed))
  return [edge, onPremise]
}

async function seed(provider: Provider): Promise<void> {
  await provider.operator('PATCH', 'settings', settings)
  await provider.operator('PUT', 'users/robot', { name: 'Robot', service_account: true })
  // The API responds with 503 until the certificate is chosen; the client is stored all the same.
  await provider
    .operator('PUT', `clients/${client.clientId}`, {
      client_name: 'Hybrid',
      grant_types: ['client_credentials'],
      scopes: [],
      api_access: true,
      linked_user: 'robot',
      secrets: [{ value: client.secret }],
    })
    .catch((fault: Error) => {
      if (!fault.message.includes(': 503 ')) throw fault
    })
  await until(Date.now() + 30_000, 'there is a signing key', async () => (await signingKid(provider)) !== '')
}

const jwksOf = ({ reach }: Provider): Promise<Response> => reach(`${issuer}/.well-known/openid-configuration/jwks`, {})

async function signingKid({ reach }: Provider): Promise<string> {
  const health = (await (await reach(`${issuer}/health`, {})).json()) as { signing_keys: string[] }
  if (health.signing_keys.length === 0) await issueBy({ reach }).catch(() => undefined)
  return health.signing_keys.join()
}

async function post({ reach }: Pick<Provider, 'reach'>, path: string, form: Record<string, string>) {
  const headers = basic(client.clientId, client.secret)
  const response = await reach(issuer + path, { method: 'POST', headers, body: new URLSearchParams(form) })
  const body = (await response.json()) as Record<string, unknown>
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${JSON.stringify(body)}`)
  return body
}

async function issueBy(provider: Pick<Provider, 'reach'>): Promise<string> {
  const { access_token } = await post(provider, '/connect/token', { grant_type: 'client_credentials' })
  return String(access_token)
}

async function introspectBy(provider: Provider, token: string): Promise<void> {
  const claims = await post(provider, '/connect/introspect', { token })
  const isExpected = claims.iss === issuer && claims.sub === expected.sub && claims.aud === `${issuer}/resources`
  if (claims.active !== true || !isExpected) throw new Error(JSON.stringify(claims))
}

const signersOf = (edge: Provider, onPremise: Provider, third: ThirdServer): Party[] => [
  { name: 'edge', issue: () => issueBy(edge) },
  { name: 'on-premise', issue: () => issueBy(onPremise) },
  { name: 'third server', issue: third.issue },
]

function verifiersOf(edge: Provider, onPremise: Provider, third: ThirdServer): Verifier[] {
  const api = (name: string, provider: Provider): Verifier => {
    const { keys } = cachedJwks(() => jwksOf(provider))
    return { name, verify: (token) => verifyAccessToken(token, keys, expected) }
  }
  return [
    { name: 'edge', verify: (token) => introspectBy(edge, token) },
    { name: 'on-premise', verify: (token) => introspectBy(onPremise, token) },
    { name: 'third server', verify: third.verify },
    api('API at edge', edge),
    api('API on-premise', onPremise),
  ]
}

const namesOf = (parties: { name: string }[]): string[] => parties.map(({ name }) => name)

const mostKept = 50

/** Runs rounds until `end`: every server signs a token, and all verifiers check it and an older one. */
function underLoad(signers: Party[], verifiers: Verifier[], tally: Tally, pause: number) {
  let isEnding = false
  const kept = new Map<string, string[]>(signers.map(({ name }) => [name, []]))

  async function check(signer: string, token: string): Promise<void> {
    await Promise.all(
      verifiers.map(async ({ name, verify }) => {
        try {
          await verify(token)
          tally.count(signer, name)
        } catch (fault) {
          tally.fail(signer, name, fault)
        }
      }),
    )
  }

  async function turn({ name, issue }: Party): Promise<void> {
    const older = kept.get(name) ?? []
    const token = await issue().catch((fault) => tally.fail(name, 'signing', fault))
    if (!token) return
    await check(name, token)
    const old = older[Math.floor(Math.random() * older.length)]
    if (old) await check(name, old)
    if (older.length < mostKept) older.push(token)
    else older[Math.floor(Math.random() * mostKept)] = token
  }

  const working = (async () => {
    while (!isEnding) {
      await Promise.all(signers.map(turn))
      await wait(pause)
    }
  })()
  return {
    async end() {
      isEnding = true
      await working
    },
  }
}

const wait = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds))

async function until(deadline: number, what: string, isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`timed out waiting: ${what}`)
    await wait(500)
  }
}
