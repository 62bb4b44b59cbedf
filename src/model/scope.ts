// A scope as an administrator configures it ("OpenID resources" of IAM), with the claims it gives and where they go.

export interface ScopeRecord {
  name: string
  enabled: boolean
  /** Named in discovery's scopes_supported. */
  published: boolean
  /** Texts of the consent page, by locale. `null` means the built-in text. */
  title: Record<string, string> | null
  description: Record<string, string> | null
  claims: { claim: string; destination: 'userinfo' | 'id_token' | 'access_token' }[]
}
