// A strict JWKS cache: it keeps the document for its max-age and does not refetch it because of an unknown kid.
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'

export interface CachedJwks {
  keys: JWTVerifyGetKey
  requests(): number
}

export function cachedJwks(load: () => Promise<Response>): CachedJwks {
  let known: { keys: JWTVerifyGetKey; until: number } | undefined
  let loading: Promise<{ keys: JWTVerifyGetKey; until: number }> | undefined
  let requests = 0

  async function fetchKeys() {
    requests += 1
    const requestedAt = Date.now()
    const response = await load()
    const maxAge = Number(/max-age=(\d+)/.exec(response.headers.get('cache-control') ?? '')?.[1] ?? 0)
    known = { keys: createLocalJWKSet((await response.json()) as JSONWebKeySet), until: requestedAt + maxAge * 1000 }
    return known
  }

  return {
    requests: () => requests,
    async keys(header, token) {
      if (known && Date.now() < known.until) return known.keys(header, token)
      loading ??= fetchKeys().finally(() => {
        loading = undefined
      })
      return (await loading).keys(header, token)
    },
  }
}
