// The response modes of this provider. A further one is a file beside these and a line here: discovery, the check of the parameter, errors and
// the pages follow.
import type { AuthorizationResponse, Encode, EncodedResponse } from './authorization-response.ts'
import { formPost } from './form-post.ts'
import { query } from './query.ts'

export const responseModes: ReadonlyMap<string, Encode> = new Map([
  ['query', query],
  ['form_post', formPost],
])

/** For response_type=code (OAuth 2.0 Multiple Response Type Encoding Practices §2.1). */
export const defaultResponseMode = 'query'

/** Throws on a mode that does not exist: whoever takes the parameter from a client checks it first. */
export async function encodeResponse(response: AuthorizationResponse): Promise<EncodedResponse> {
  const encode = responseModes.get(response.response_mode)
  if (!encode) throw new Error(`no response mode ${response.response_mode}`)
  return encode(response)
}
