// What an isolate reads of the configuration, each in one round trip to D1.
import type { signingKeys } from './schema.ts'

export interface ScopeRecord {
  name: string
  enabled: boolean
  published: boolean
  /** By locale; null: the built-in text. */
  title: Record<string, string> | null
  description: Record<string, string> | null
  claims: { claim: string; destination: 'userinfo' | 'id_token' | 'access_token' }[]
}

export interface ResourceRecord {
  identifier: string
  scopes: string[]
  introspection_client_id: string | null
}

export type SigningKeyRecord = typeof signingKeys.$inferSelect
