// Makes the context of a request, at first without a configuration: enough to report an error.
import { defaultSettings } from '../model/settings.ts'
import { networkOf, parseAddress } from '../outbound/internet-address.ts'
import { openConfiguration } from '../request/configuration.ts'
import { hop, type RequestContext } from '../request/context.ts'

export function newContext(
  request: Request,
  execution: ExecutionContext,
  known: Pick<RequestContext, 'env' | 'deployment' | 'issuer' | 'now' | 'requestId' | 'log'>,
): RequestContext {
  return {
    ...known,
    configuration: unopened,
    address: callerOf(request),
    hops: 0,
    client: undefined,
    actor: undefined,
    fault: undefined,
    waitUntil: (promise) => execution.waitUntil(promise),
  }
}

/** Callers without a readable address share one rate-limit allowance (SECURITY-CASES P06). */
function callerOf(request: Request): string {
  const address = request.headers.get('cf-connecting-ip') ?? ''
  return parseAddress(address) ? networkOf(address) : 'unknown'
}

/** A configuration of defaults, to render an error with. */
const unopened: RequestContext['configuration'] = {
  epoch: 0,
  settings: defaultSettings,
  scopes: new Map(),
  resources: [],
  keys: [],
  externalProviders: [],
  confirmedAt: 0,
  findClient: async () => undefined,
  refresh: async () => undefined,
}
const isConfigured = (context: RequestContext): boolean => context.configuration !== unopened

const noHint = async (): Promise<undefined> => undefined

/** Reads the configuration once. In a cold isolate the client that `hint` names is read with it. */
export async function openContext(
  context: RequestContext,
  hint: () => Promise<string | undefined> = noHint,
): Promise<void> {
  if (isConfigured(context)) return
  context.configuration = await openConfiguration(
    context.env.DB,
    hint,
    context.now,
    (read) => hop(context, 'D1', read),
    context.waitUntil,
  )
}
