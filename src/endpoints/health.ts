// The health endpoint: whether this instance can serve, and which part fails if it cannot. Public, so it names no user, client or secret.
import { compact } from '../model/record.ts'
import type { RequestContext } from '../request/context.ts'
import type { Incoming } from '../request/incoming.ts'
import { askKeyRing } from '../signing-keys/key-ring/ask-key-ring.ts'
import type { VaultReport } from '../signing-keys/key-ring/key-ring.ts'
import { signJwt } from '../signing-keys/signing.ts'

export async function health(context: RequestContext, _: Incoming): Promise<Response> {
  const { configuration, now } = context
  const secondsSinceConfirmed = Math.round((now - configuration.confirmedAt) / 1000)
  const database = secondsSinceConfirmed <= 15 ? 'ok' : 'not answering, serving what is remembered'
  const signing = configuration.keys.filter((key) => key.state === 'active').map((key) => key.kid)
  const vault = await vaultReport(context)
  const canSign = signing.length === 0 || (await trySigning(context))
  const isHealthy = database === 'ok' && canSign && (!vault || isHealthyVault(vault))
  const body = {
    status: isHealthy ? 'ok' : 'degraded',
    issuer: context.issuer.url,
    database,
    configuration: { epoch: configuration.epoch, seconds_since_confirmed: secondsSinceConfirmed },
    signing: signing.length === 0 ? 'no key yet' : canSign ? 'ok' : 'failing: see the log',
    signing_keys: signing,
    ...compact({ vault: vault && serialiseVaultStatus(vault) }),
  }
  return Response.json(body, { headers: { 'cache-control': 'no-store' } })
}

/** The result per configuration epoch: anonymous callers must not cause a signature with every request. */
const signingResults = new WeakMap<Env, { epoch: number; canSign: boolean }>()

async function trySigning(context: RequestContext): Promise<boolean> {
  const { env, configuration } = context
  const known = signingResults.get(env)
  if (known?.epoch === configuration.epoch) return known.canSign
  const attempt = signJwt(context, { alg: 'RS256', typ: 'health', claims: {} })
  const canSign = await attempt.then(
    () => true,
    () => false,
  )
  signingResults.set(env, { epoch: configuration.epoch, canSign })
  return canSign
}

type VaultStatus = VaultReport | 'the key ring does not answer'

const isHealthyVault = (vault: VaultStatus): boolean =>
  typeof vault === 'object' && vault.failing === null && vault.unusable_versions === 0

function serialiseVaultStatus(vault: VaultStatus) {
  if (typeof vault === 'string') return { status: vault }
  const { looked_at, failing, unusable_versions } = vault
  return {
    name: vault.vault,
    status: failing ? `${failing.fault}, signing with what is known` : 'ok',
    ...(failing ? { failing_since: new Date(failing.since).toISOString() } : {}),
    looked_at: looked_at === null ? null : new Date(looked_at).toISOString(),
    unusable_versions,
  }
}

/** Milliseconds. */
const reportMaxAge = 5000
/** The last report: anonymous callers must not cause a call of the key ring with every request. */
const reports = new WeakMap<Env, { at: number; report: VaultStatus }>()

/** One hop, at most every five seconds. Returns undefined, without a hop, if the certificate is not shared. */
async function vaultReport(context: RequestContext): Promise<VaultStatus | undefined> {
  const { env, now, deployment } = context
  if (deployment.vault.kind === 'local') return undefined
  const known = reports.get(env)
  if (known && now - known.at < reportMaxAge) return known.report
  const report = await askKeyRing(context, (ring) => ring.report()).catch(() => 'the key ring does not answer' as const)
  reports.set(env, { at: now, report })
  return report
}
