declare namespace Cloudflare {
  interface Env {
    SECOND_DB: D1Database
    THIRD_DB: D1Database
    TEST_MIGRATIONS: import('cloudflare:test').D1Migration[]
  }
}

/** Of node:crypto, as far as test/user-agent.ts needs it here; in the projects that run in Node the types are Node's own. */
declare module 'node:crypto' {
  export function createHash(algorithm: string): { update(text: string): { digest(encoding: 'base64url'): string } }
  export function randomBytes(length: number): { toString(encoding: 'base64url'): string }
}
