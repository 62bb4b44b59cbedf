// Bindings and variables → Deployment, once for each environment. All faults are reported together.
import { parseSecretKeys, type SecretKey } from '../crypto/seal.ts'
import { createIssuer, type Issuer, parseIssuer } from './issuer.ts'
import { parseVaultSettings, type VaultSettings } from './vault-settings.ts'

/** What one Worker has, whichever issuer a request is for. */
export interface Deployment {
  issuers: readonly [Issuer, ...Issuer[]]
  /** Keys of HMACs: passwords, names of objects. */
  pepper: SecretKey[]
  /** Where the signing certificate is shared with other instances. */
  vault: VaultSettings
  /** Undefined: the administration API answers 404. */
  operatorToken: string | undefined
  playground: boolean
  requestLog: boolean
}

/** The deployment must be corrected before anything is served. */
export class DeploymentError extends Error {
  override readonly name = 'DeploymentError'
  readonly faults: string[]

  constructor(faults: string[]) {
    super(faults.join('; '))
    this.faults = faults
  }
}

let last: { env: Env; deployment: Deployment } | undefined

/** The deployment of an environment. Throws DeploymentError with every fault at once. */
export function deploymentOf(env: Env): Deployment {
  if (last?.env === env) return last.deployment
  const deployment = parseDeployment(env)
  last = { env, deployment }
  return deployment
}

/** Throws DeploymentError. */
export function parseDeployment(env: Partial<Record<keyof Env, unknown>>): Deployment {
  const faults: string[] = []
  const identifier = parseIssuer(text(env.AUTHORITY_URL), faults)
  const [seal, wrap, pepper] = (['SEAL_KEY', 'WRAP_KEY', 'PEPPER'] as const).map((name) => secretOf(env, name, faults))
  const operatorToken = text(env.OPERATOR_TOKEN) || undefined
  if (operatorToken && operatorToken.length < 43) {
    faults.push(
      'OPERATOR_TOKEN: 32 random bytes in base64url expected, or nothing to switch the operator interface off',
    )
  }
  const vault = parseVaultSettings(env, faults)
  if (!identifier || !seal || !wrap || !pepper || faults.length > 0) throw new DeploymentError(faults)

  return {
    issuers: [createIssuer(identifier, seal, wrap)],
    pepper,
    vault,
    operatorToken,
    playground: text(env.PLAYGROUND) === 'on',
    requestLog: text(env.REQUEST_LOG) !== 'off',
  }
}

function secretOf(
  env: Partial<Record<keyof Env, unknown>>,
  name: 'SEAL_KEY' | 'WRAP_KEY' | 'PEPPER',
  faults: string[],
): SecretKey[] | undefined {
  const keys = parseSecretKeys(text(env[name]))
  if (!keys) {
    faults.push(`${name}: 32 random bytes in base64url expected (openssl rand -base64 32 | tr '+/' '-_' | tr -d =)`)
  }
  return keys
}

const text = (value: unknown): string => (typeof value === 'string' ? value.trim() : '')
