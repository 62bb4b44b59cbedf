// response_mode=form_post (OAuth 2.0 Form Post Response Mode §2).
import type { Encode } from './authorization-response.ts'

export const formPost: Encode = async ({ redirect_uri, parameters }) => ({
  kind: 'form',
  action: redirect_uri,
  fields: parameters,
})
