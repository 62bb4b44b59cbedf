// The configuration that an isolate remembers, and how fresh it is (DESIGN §3): one read of D1 per five seconds brings the changes since the known epoch. After
// ten seconds a request waits for that read. If D1 is down, the last configuration serves for `serve_stale_for`.
import type { Client } from '../model/client.ts'
import type { ExternalProvider } from '../model/external-provider.ts'
import type { ProviderSettings } from '../model/settings.ts'
import {
  type ConfigurationChange,
  type CoreConfiguration,
  type ResourceRecord,
  readChanges,
  readClient,
  readConfiguration,
  type ScopeRecord,
  type SigningKeyRecord,
} from '../storage/configuration-reads.ts'

export interface ConfigurationView {
  readonly epoch: number
  readonly settings: ProviderSettings
  readonly scopes: ReadonlyMap<string, ScopeRecord>
  readonly resources: readonly ResourceRecord[]
  readonly keys: readonly SigningKeyRecord[]
  /** Enabled and disabled ones, in the order of their buttons. */
  readonly externalProviders: readonly ExternalProvider[]
  /** When D1 last answered, in milliseconds. */
  readonly confirmedAt: number
  /** From memory, otherwise one hop. Returns undefined for an unknown client. Returns disabled clients too, so that the caller can refuse them by name. */
  findClient(clientId: string): Promise<Client | undefined>
  /** Reads D1 now, whatever the age (one hop): after a write, and when a key is missing. */
  refresh(): Promise<void>
}

/** How the configuration reaches D1: counted and bounded by the caller. */
export type Reach = <T>(read: () => Promise<T>) => Promise<T>

const second = 1000
const refreshAfter = 5 * second
const waitAfter = 10 * second
const unknownFor = 5 * second
const mostClients = 5000
const mostUnknown = 1000

/** One isolate's memory of one database. */
interface Memory {
  core: CoreConfiguration | undefined
  confirmedAt: number
  /** The D1 bookmark of the last answer: no later read may come from a replica that is behind it. */
  bookmark: string | undefined
  /** Most recently used last. */
  clients: Map<string, Client>
  unknown: Map<string, number>
  /** When a request last began to read D1, whatever the result. */
  askedAt: number
  /** When D1 last failed to answer. No request waits for it again within five seconds. */
  failedAt: number
}

const memories = new WeakMap<D1Database, Memory>()

function memoryOf(db: D1Database): Memory {
  let memory = memories.get(db)
  if (!memory) {
    memory = {
      core: undefined,
      confirmedAt: 0,
      clients: new Map(),
      unknown: new Map(),
      bookmark: undefined,
      askedAt: 0,
      failedAt: 0,
    }
    memories.set(db, memory)
  }
  return memory
}

/**
 * Returns the configuration for one request. A cold isolate reads everything and the client of `hint` in one round trip. A warm one reads nothing, or reads the
 * changes behind the response. Rejects if D1 does not answer and nothing is known that is younger than the setting `serve_stale_for`.
 */
export async function openConfiguration(
  db: D1Database,
  hint: () => Promise<string | undefined>,
  now: number,
  reach: Reach,
  waitUntil: (work: Promise<unknown>) => void,
): Promise<ConfigurationView> {
  const memory = memoryOf(db)
  if (!memory.core) {
    await load(memory, db, await hint(), now, reach)
  } else if (now - memory.confirmedAt > waitAfter) {
    await refreshOrServeStale(memory, db, now, reach)
  } else if (now - Math.max(memory.confirmedAt, memory.askedAt) > refreshAfter) {
    waitUntil(refresh(memory, db, now, (read) => read()).catch(() => undefined))
  }
  return viewOf(memory, db, now, reach)
}

async function refreshOrServeStale(memory: Memory, db: D1Database, now: number, reach: Reach): Promise<void> {
  const isDown = now - memory.failedAt < refreshAfter
  const mayServe = now - memory.confirmedAt <= (memory.core?.settings.serve_stale_for ?? 0) * second
  if (isDown && mayServe) return
  try {
    await refresh(memory, db, now, reach)
  } catch (fault) {
    memory.failedAt = now
    if (!mayServe) throw fault
  }
}

/** Replicas lag by different times, so each read is bounded by the bookmark of the one before (D1 sessions, sequential consistency). */
async function readFrom<T>(
  memory: Memory,
  db: D1Database,
  reach: Reach,
  read: (session: D1DatabaseSession) => Promise<T>,
): Promise<T> {
  const session = db.withSession(memory.bookmark ?? 'first-unconstrained')
  const answer = await reach(() => read(session))
  memory.bookmark = session.getBookmark() ?? memory.bookmark
  return answer
}

async function load(memory: Memory, db: D1Database, clientId: string | undefined, now: number, reach: Reach) {
  const { core, client } = await readFrom(memory, db, reach, (session) => readConfiguration(session, clientId))
  if (!memory.core || core.epoch >= memory.core.epoch) memory.core = core
  memory.confirmedAt = Math.max(memory.confirmedAt, now)
  if (clientId !== undefined) rememberClient(memory, clientId, client, now)
}

/** Each request reads for itself: a promise of another request's I/O may never settle. */
async function refresh(memory: Memory, db: D1Database, now: number, reach: Reach): Promise<void> {
  const { core } = memory
  memory.askedAt = now
  if (!core || now - memory.confirmedAt > 3600 * second) {
    memory.clients.clear()
    return load(memory, db, undefined, now, reach)
  }
  const changes = await readFrom(memory, db, reach, (session) => readChanges(session, core.epoch))
  forgetChanged(memory, changes)
  if (changes.some((change) => change.kind !== 'client')) return load(memory, db, undefined, now, reach)
  core.epoch = changes.at(-1)?.epoch ?? core.epoch
  memory.confirmedAt = now
}

function forgetChanged(memory: Memory, changes: ConfigurationChange[]): void {
  for (const { kind, record } of changes) {
    if (kind === 'all') memory.clients.clear()
    if (kind === 'client' && record !== null) memory.clients.delete(record)
  }
  if (changes.length > 0) memory.unknown.clear()
}

function viewOf(memory: Memory, db: D1Database, now: number, reach: Reach): ConfigurationView {
  const core = (): CoreConfiguration => {
    if (!memory.core) throw new Error('the configuration was not opened')
    return memory.core
  }
  return {
    get epoch() {
      return core().epoch
    },
    get settings() {
      return core().settings
    },
    get scopes() {
      return core().scopes
    },
    get resources() {
      return core().resources
    },
    get keys() {
      return core().keys
    },
    get externalProviders() {
      return core().externalProviders
    },
    get confirmedAt() {
      return memory.confirmedAt
    },
    async findClient(clientId) {
      const known = memory.clients.get(clientId)
      if (known) return known
      if ((memory.unknown.get(clientId) ?? 0) > now) return undefined
      const epochBefore = core().epoch
      const client = await readFrom(memory, db, reach, (session) => readClient(session, clientId))
      // If a change arrived during the read, it may concern this client, so the client is not remembered.
      if (core().epoch === epochBefore) rememberClient(memory, clientId, client, now)
      return client
    },
    refresh() {
      // The caller has just written, or lacks what another isolate wrote: only the primary certainly has it.
      memory.bookmark = 'first-primary'
      return refresh(memory, db, now, reach)
    },
  }
}

function rememberClient(memory: Memory, clientId: string, client: Client | undefined, now: number): void {
  if (client) {
    memory.clients.set(clientId, client)
    dropOldest(memory.clients, mostClients)
  } else {
    memory.unknown.set(clientId, now + unknownFor)
    dropOldest(memory.unknown, mostUnknown)
  }
}

function dropOldest(map: Map<string, unknown>, most: number): void {
  if (map.size <= most) return
  const [oldest] = map.keys()
  if (oldest !== undefined) map.delete(oldest)
}
