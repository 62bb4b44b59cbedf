// A session of one person in one browser, and its authentication.

/** How and when a person was authenticated. */
export interface Authentication {
  /** Milliseconds; 0: an external provider that does not state it. */
  authenticated_at: number
  acr: string
  amr: string[]
  /** `local`, or the id of the external provider. */
  idp: string
}

export interface SessionState extends Authentication {
  /** Internal: clients see only a `sid` derived from it. */
  id: string
  /** Milliseconds: when the person last chose this account, at an account chooser or by returning from an external provider. */
  selected_at: number
}

/** Milliseconds: when the person last used this browser here, which may be long after they authenticated at an external provider. */
export const lastSeenAt = (session: Pick<SessionState, 'authenticated_at' | 'selected_at'>): number =>
  Math.max(session.authenticated_at, session.selected_at)
