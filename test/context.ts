// A RequestContext for tests of single functions, with real bindings and a configuration in memory.
import { env } from 'cloudflare:workers'
import type { Client } from '../src/model/client.ts'
import { defaultSettings, type ProviderSettings } from '../src/model/settings.ts'
import type { ConfigurationView } from '../src/request/configuration.ts'
import type { LogFields, RequestContext } from '../src/request/context.ts'
import { parseDeployment } from '../src/request/deployment.ts'
import { issuerAt } from '../src/request/issuer.ts'

export interface TestContext extends RequestContext {
  /** Settles once every promise passed to waitUntil has settled. */
  settled(): Promise<unknown>
  /** What was added to the log line. */
  logged: LogFields
}

export interface TestContextOptions extends Partial<Omit<RequestContext, 'configuration'>> {
  clients?: Client[]
  provider?: Partial<ProviderSettings>
  configuration?: Partial<ConfigurationView>
}

const day = 24 * 3_600_000
/** The default time of tests, in milliseconds: a future noon, because alarms and the platform's own timers follow the real clock. */
export const noon = Math.ceil(Date.now() / day + 1) * day + day / 2

let addresses = 0

/** Deployment and issuer of the test environment. `variables` replace some of its variables. */
export function aDeployment(
  variables: Partial<Record<keyof Env, string>> = {},
): Pick<RequestContext, 'deployment' | 'issuer'> {
  const deployment = parseDeployment({ ...env, ...variables })
  return { deployment, issuer: issuerAt(deployment.issuers, '') }
}

const defaults = aDeployment()

/** Every context has its own client address, so that no test uses up the rate limit of another. */
export function aContext({ clients = [], provider, configuration, ...rest }: TestContextOptions = {}): TestContext {
  addresses += 1
  const waiting: Promise<unknown>[] = []
  const logged: LogFields = {}
  return {
    env,
    ...defaults,
    configuration: {
      epoch: 1,
      settings: { ...defaultSettings, ...provider },
      scopes: new Map(),
      resources: [],
      keys: [],
      externalProviders: [],
      confirmedAt: noon,
      findClient: async (clientId) => clients.find((client) => client.client_id === clientId),
      refresh: async () => {},
      ...configuration,
    },
    now: noon,
    requestId: 'a-request-id',
    address: `198.51.${100 + (addresses >> 8)}.${addresses & 255}`,
    hops: 0,
    client: undefined,
    actor: undefined,
    fault: undefined,
    log: (fields) => void Object.assign(logged, fields),
    logged,
    waitUntil: (promise) => waiting.push(promise),
    settled: () => Promise.all(waiting),
    ...rest,
  }
}

/** A confidential client with every permission and no secret. */
export function aClient(overrides: Partial<Client> = {}): Client {
  return {
    client_id: 'web',
    client_name: 'Web',
    enabled: true,
    token_endpoint_auth_method: null,
    token_endpoint_auth_signing_alg: null,
    jwks: null,
    jwks_uri: null,
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    redirect_uris: ['https://rp.test/cb'],
    post_logout_redirect_uris: [],
    client_origins: [],
    secrets: [],
    scopes: ['openid', 'profile', 'email'],
    api_access: true,
    offline_access: true,
    require_pkce: true,
    require_consent: false,
    linked_user: null,
    id_token_signed_response_alg: null,
    access_token_lifetime: null,
    id_token_lifetime: null,
    code_lifetime: null,
    refresh_token_sliding_lifetime: null,
    refresh_token_absolute_lifetime: null,
    refresh_token_rotation: true,
    refresh_token_grace: null,
    client_uri: null,
    logo_uri: null,
    policy_uri: null,
    tos_uri: null,
    created_at: 0,
    ...overrides,
  }
}
