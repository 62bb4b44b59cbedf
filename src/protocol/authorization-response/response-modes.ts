// The registry of response modes. To add one, write a file in this folder and add a line here: discovery, the check of the parameter, errors and
// pages read this registry.
import type { AuthorizationResponse, Encode, EncodedResponse } from './authorization-response.ts'
import { formPost } from './form-post.ts'
import { query } from './query.ts'

export const responseModes: ReadonlyMap<string, Encode> = new Map([
  ['query', query],
  ['form_post', formPost],
])

/** For response_type=code (OAuth 2.0 Multiple Response Type Encoding Practices §2.1). */
export const defaultResponseMode = 'query'

/** Throws an Error on an unknown mode: checkResponseMode has refused those from clients. */
export async function encodeResponse(response: AuthorizationResponse): Promise<EncodedResponse> {
  const encode = responseModes.get(response.response_mode)
  if (!encode) throw new Error(`no response mode ${response.response_mode}`)
  return encode(response)
}
