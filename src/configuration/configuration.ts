// What an isolate remembers of the configuration, and how fresh it is (DESIGN §4): one question to D1 per five seconds brings the changes
// since the epoch it knows; past ten seconds a request waits for that answer; with D1 down the last answer serves for five minutes.
import type { Client } from '../protocol/client-metadata.ts'
import type { ProviderSettings } from '../protocol/provider-settings.ts'
import type { ResourceRecord, ScopeRecord, SigningKeyRecord } from '../storage/configuration.ts'

export interface ConfigurationView {
  epoch: number
  settings: ProviderSettings
  scopes: ReadonlyMap<string, ScopeRecord>
  resources: readonly ResourceRecord[]
  keys: readonly SigningKeyRecord[]
  /** From memory, else one hop. Undefined: unknown. Disabled clients are returned: the caller refuses them by name. */
  findClient(clientId: string): Promise<Client | undefined>
  /** One hop: asks D1 now, whatever the age. Used after a write and when a key is missing. */
  refresh(): Promise<void>
}
