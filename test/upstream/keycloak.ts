// Runs Keycloak, which `.ci/upstream` fetches and names in the environment: a process on a loopback port that keeps everything in memory.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { browsing, clientId, groups, type Person, people, type Registration, type Upstream } from './upstream.ts'

const { KEYCLOAK_HOME: home, KEYCLOAK_JAVA: java } = process.env

/** The reason why Keycloak is missing, or undefined if it is installed. */
export const keycloakIsMissing = home
  ? undefined
  : (process.env.KEYCLOAK_LEFT_OUT ?? 'KEYCLOAK_HOME is not set: run the tests with .ci/upstream')

const realm = 'upstream'
const start = [
  'start --optimized --import-realm --cache=local',
  '--http-enabled=true --http-host=127.0.0.1 --http-port=0 --hostname-strict=false',
].flatMap((line) => line.split(' '))

/** Takes about 15 seconds. `stop` sends SIGKILL, because Keycloak has nothing to keep. */
export async function startKeycloak(registration: Registration): Promise<Upstream> {
  if (!home) throw new Error(keycloakIsMissing)
  const client_secret = randomBytes(24).toString('base64url')
  const folder = mkdtempSync(path.join(tmpdir(), 'keycloak-'))
  symlinkSync(path.join(home, 'lib'), path.join(folder, 'lib'))
  mkdirSync(path.join(folder, 'data', 'import'), { recursive: true })
  writeFileSync(
    path.join(folder, 'data', 'import', 'realm.json'),
    JSON.stringify(realmOf({ ...registration, client_secret })),
  )

  // A process group of its own, for the start script and the Java process it starts.
  const child = spawn(path.join(home, 'bin', 'kc.sh'), [`-Dkc.home.dir=${folder}`, ...start], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, JAVA: java, JAVA_OPTS_APPEND: '-XX:TieredStopAtLevel=1' },
  })
  const isRunning = () => child.exitCode === null && child.signalCode === null
  const kill = () => child.pid && isRunning() && process.kill(-child.pid, 'SIGKILL')
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  process.once('exit', kill)
  async function stop() {
    process.off('exit', kill)
    kill()
    await ended
    rmSync(folder, { recursive: true, force: true })
  }

  try {
    const issuer = `${await originOf(child)}/realms/${realm}`
    const metadata_endpoint = `${issuer}/.well-known/openid-configuration`
    await untilReady(metadata_endpoint)
    return { issuer, metadata_endpoint, client_id: clientId, client_secret, users: people, ...browsing(issuer), stop }
  } catch (fault) {
    await stop()
    throw fault
  }
}

/** Keycloak takes any free port and logs it. */
function originOf(child: ChildProcess): Promise<string> {
  let log = ''
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer) => {
      log += chunk
      const listening = /Listening on: (http:\/\/[\d.:]+\d)/.exec(log)
      if (listening?.[1]) resolve(listening[1])
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('error', reject)
    child.once('close', () => reject(new Error(`Keycloak ended:\n${log}`)))
  })
}

/** Waits for the realm, which is imported after Keycloak starts to listen. */
async function untilReady(address: string): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const { ok } = await fetch(address).catch(() => ({ ok: false }))
    if (ok) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error(`${address} does not respond`)
}

/** A RealmRepresentation, which is Keycloak's import format. Members left out get Keycloak's defaults. */
const realmOf = (registration: Registration & { client_secret: string }) => ({
  realm,
  enabled: true,
  sslRequired: 'none',
  groups: groups.map((name) => ({ name })),
  users: people.map(userOf),
  clients: [clientOf(registration)],
})

const userOf = ({ login, password, claims }: Person) => ({
  username: login,
  enabled: true,
  email: claims.email,
  emailVerified: claims.email_verified,
  firstName: claims.given_name,
  lastName: claims.family_name,
  groups: claims.groups.map((name) => `/${name}`),
  credentials: [{ type: 'password', value: password }],
})

const clientOf = (registration: Registration & { client_secret: string }) => ({
  clientId,
  enabled: true,
  clientAuthenticatorType: 'client-secret',
  secret: registration.client_secret,
  redirectUris: registration.redirectUris,
  attributes: {
    'pkce.code.challenge.method': 'S256',
    'post.logout.redirect.uris': (registration.postLogoutUris ?? []).join('##'),
    'backchannel.logout.url': registration.backchannelLogoutUri ?? '',
    'backchannel.logout.session.required': 'true',
  },
  protocolMappers: [
    {
      name: 'groups',
      protocol: 'openid-connect',
      protocolMapper: 'oidc-group-membership-mapper',
      config: {
        'claim.name': 'groups',
        'full.path': 'false',
        'id.token.claim': 'true',
        'userinfo.token.claim': 'true',
        'access.token.claim': 'false',
      },
    },
  ],
})
