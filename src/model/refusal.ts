// A refusal as the operator reads it under its request id: what was expected, what came, what to change. Never a secret.
import type { ErrorCode, RefusalDetail } from './errors.ts'

export interface Refusal extends RefusalDetail {
  request_id: string
  /** Milliseconds. */
  at: number
  /** Path of the route. */
  endpoint: string
  code: ErrorCode
  description: string
  /** Absent if the caller named no client. */
  client_id?: string
}
