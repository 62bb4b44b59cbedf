// `state` and `nonce`: opaque values of the client, returned unchanged.
import type { Received } from './known.ts'

/** RFC 6749 §4.1.1: returned with the code, and with every error that is sent to the client. */
export const parseState = ({ parameters }: Received): { state: string | undefined } => ({
  state: parameters.get('state') ?? undefined,
})

/** OIDC Core §3.1.2.1: returned in the ID token. */
export const parseNonce = ({ parameters }: Received): { nonce: string | undefined } => ({
  nonce: parameters.get('nonce') ?? undefined,
})
