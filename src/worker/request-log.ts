// Writes the one log line of a request. It never contains a query, a body or a header. Other code adds fields and cannot read them back.
import type { Log, LogFields, RequestContext } from '../request/context.ts'

export interface RequestLog {
  add: Log
  /** `path` is the path of a known address, or a placeholder. */
  print(context: RequestContext, method: string, path: string, status: number): void
}

export function openRequestLog(): RequestLog {
  const added: LogFields = {}
  return {
    add: (fields) => void Object.assign(added, fields),
    print(context, method, path, status) {
      const line = {
        level: status >= 500 ? 'error' : 'info',
        request_id: context.requestId,
        method,
        path,
        status,
        hops: context.hops,
        milliseconds: Date.now() - context.now,
        outcome: status < 400 ? 'ok' : 'refused',
        client: context.client?.client_id,
        fault: context.fault,
        ...added,
      }
      console.log(JSON.stringify(line))
    },
  }
}
