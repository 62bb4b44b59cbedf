// How the Worker reaches a Durable Object.

/** A Durable Object as its callers see it: plain data in, a promise of plain data out. The platform's own stub type loses unions. */
export type Remote<T> = {
  [K in keyof T]: T[K] extends (...parameters: infer P) => infer R ? (...parameters: P) => Promise<Awaited<R>> : never
}

// A stub that threw is broken (Durable Objects, error handling), so each call asks for a new one.
export const stub = <T extends Rpc.DurableObjectBranded>(
  namespace: DurableObjectNamespace<T>,
  name: string,
): Remote<T> => namespace.get(namespace.idFromName(name)) as unknown as Remote<T>
