// Counts the calls to D1 and to Durable Objects by wrapping the bindings.
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { handle } from '../src/worker/handle.ts'

export interface CountedIsolate {
  /** Handles one request. `hops` then lists the calls made before its response, by binding. */
  fetch(url: string, init?: RequestInit): Promise<Response>
  hops: string[]
}

/** Behaves like a new isolate: a new `env` object starts with empty caches. `broken` replaces bindings. */
export function aColdIsolate(
  broken: Partial<Env> = {},
  options: { dropsBackgroundWork?: boolean } = {},
): CountedIsolate {
  const hops: string[] = []
  let hasResponded = false
  const count = (name: string) => {
    if (!hasResponded) hops.push(name)
  }
  const counted: Env = {
    ...env,
    DB: countDatabase(env.DB, () => count('D1')),
    SUBJECT: countObjects(env.SUBJECT, () => count('Subject')),
    LOGIN_GUARD: countObjects(env.LOGIN_GUARD, () => count('LoginGuard')),
    ONE_TIME: countObjects(env.ONE_TIME, () => count('OneTime')),
    KEY_RING: countObjects(env.KEY_RING, () => count('KeyRing')),
    ...broken,
  }
  return {
    hops,
    async fetch(url, init) {
      hops.length = 0
      hasResponded = false
      const execution = createExecutionContext()
      if (options.dropsBackgroundWork) execution.waitUntil = () => undefined
      const response = await handle(new Request(url, init), counted, execution)
      hasResponded = true
      if (!options.dropsBackgroundWork) await waitOnExecutionContext(execution)
      return response
    },
  }
}

const callOf = new Set<PropertyKey>(['first', 'all', 'run', 'raw'])

function countDatabase(db: D1Database, count: () => void): D1Database {
  const real = new WeakMap<object, D1PreparedStatement>()

  function statement(target: D1PreparedStatement): D1PreparedStatement {
    const proxy = new Proxy(target, {
      get(_, name) {
        const value = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return (...parameters: unknown[]) => {
          if (callOf.has(name)) count()
          const result = value.apply(target, parameters)
          return name === 'bind' ? statement(result as D1PreparedStatement) : result
        }
      },
    })
    real.set(proxy, target)
    return proxy
  }

  function session<T extends object>(target: T): T {
    return new Proxy(target, {
      get(_, name) {
        const value = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return (...parameters: unknown[]) => {
          if (name === 'batch') {
            count()
            return value.call(
              target,
              (parameters[0] as object[]).map((each) => real.get(each) ?? each),
            )
          }
          const result = value.apply(target, parameters)
          if (name === 'prepare') return statement(result as D1PreparedStatement)
          return name === 'withSession' ? session(result as object) : result
        }
      },
    })
  }

  return session(db)
}

function countObjects<T extends Rpc.DurableObjectBranded>(
  namespace: DurableObjectNamespace<T>,
  count: () => void,
): DurableObjectNamespace<T> {
  return new Proxy(namespace, {
    get(_, name) {
      const value = Reflect.get(namespace, name)
      if (typeof value !== 'function') return value
      if (name !== 'get') return value.bind(namespace)
      return (id: DurableObjectId) => countStub(namespace.get(id), count)
    },
  })
}

function countStub<T extends object>(stub: T, count: () => void): T {
  return new Proxy(stub, {
    get(_, method) {
      return (...parameters: unknown[]) => {
        count()
        // Called on the stub: a remote method that is read without a call becomes a stub itself.
        return (stub as Record<PropertyKey, (...all: unknown[]) => unknown>)[method]?.(...parameters)
      }
    },
  })
}
