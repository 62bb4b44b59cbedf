// The body of an operator's request: JSON of at most 64 KB (SECURITY-CASES T30, D04).

import { Problem } from '../model/errors.ts'
import { badRequest } from '../model/problems.ts'
import { readBody } from '../request/incoming.ts'

/** Throws a Problem for another media type and for what is not JSON, an OAuthError with status 413 above the limit. */
export async function readJson(request: Request, mostBytes: number): Promise<unknown> {
  const [mediaType] = (request.headers.get('content-type') ?? '').split(';')
  // A form or text/plain body is what a page on another site could send without asking first.
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
