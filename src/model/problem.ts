// The response to a faulty administration request (RFC 9457).
import type { Problem } from './errors.ts'

export interface ProblemBody {
  type: 'about:blank'
  status: number
  title: string
  request_id: string
  /** Field path → what is wrong with it. */
  fields?: Record<string, string>
}

export function problemResponse(problem: Problem, requestId: string): Response {
  const body: ProblemBody = { type: 'about:blank', status: problem.status, title: problem.title, request_id: requestId }
  if (Object.keys(problem.fields).length > 0) body.fields = problem.fields
  return new Response(JSON.stringify(body), {
    status: problem.status,
    headers: { ...problem.headers, 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
  })
}
