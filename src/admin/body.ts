// Reads the body of an administration request: JSON of at most 64 KB (SECURITY-CASES T30, D04).

import { Problem } from '../model/errors.ts'
import { badRequest } from '../model/problems.ts'
import { readBody } from '../request/incoming.ts'

/** Throws a Problem if the media type is another or the body is not JSON, and an OAuthError with status 413 above the limit. */
export async function readJson(request: Request, mostBytes: number): Promise<unknown> {
  const [mediaType] = (request.headers.get('content-type') ?? '').split(';')
  // A page on another site can send a form or text/plain body without a preflight.
  if (mediaType?.trim().toLowerCase() !== 'application/json') {
    throw new Problem(415, 'The body must be application/json')
  }
  const text = await readBody(request, mostBytes)
  try {
    return JSON.parse(text)
  } catch {
    throw badRequest('The body is not JSON')
  }
}
