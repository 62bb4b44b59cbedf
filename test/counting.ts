// Counts what leaves the isolate: calls to D1 and to Durable Objects, through the bindings themselves.
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { handle } from '../src/worker/handle.ts'

export interface CountedIsolate {
  /** One request; `hops` are the calls that came before its answer, by binding. */
  fetch(url: string, init?: RequestInit): Promise<Response>
  hops: string[]
}

/** A new isolate as far as our caches know: nothing is remembered of the configuration. `broken` replaces bindings. */
export function aColdIsolate(
  broken: Partial<Env> = {},
  options: { dropsBackgroundWork?: boolean } = {},
): CountedIsolate {
  const hops: string[] = []
  let isAnswered = false
  const count = (name: string) => {
    if (!isAnswered) hops.push(name)
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
      isAnswered = false
      const execution = createExecutionContext()
      if (options.dropsBackgroundWork) execution.waitUntil = () => undefined
      const response = await handle(new Request(url, init), counted, execution)
      isAnswered = true
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
        // Called in place: taken from its stub, a remote method is a stub of its own.
        return (stub as Record<PropertyKey, (...all: unknown[]) => unknown>)[method]?.(...parameters)
      }
    },
  })
}
