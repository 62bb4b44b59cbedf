// What a sign-in needs to know of groups and of the user's memberships.

export interface KnownGroup {
  group_id: string
  name: string
  /** `null` means that users of any tenant may belong to the group. */
  tenant_id: string | null
}

export interface Membership {
  group_id: string
  name: string
  /** The external provider that granted the membership; `null` means that an operator granted it. */
  granted_by: string | null
}
