// What a sign-in needs to know of groups and of the user's memberships.

export interface KnownGroup {
  group_id: string
  name: string
  /** Null: for users of any tenant. */
  tenant_id: string | null
}

export interface Membership {
  group_id: string
  name: string
  /** The provider that granted it; null: an operator did. */
  granted_by: string | null
}
