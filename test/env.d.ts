declare namespace Cloudflare {
  interface Env {
    SECOND_DB: D1Database
    THIRD_DB: D1Database
    TEST_MIGRATIONS: import('cloudflare:test').D1Migration[]
  }
}

/** The part of node:crypto that test/user-agent.ts uses in workerd. Projects that run in Node use the types of Node. */
declare module 'node:crypto' {
  export function createHash(algorithm: string): { update(text: string): { digest(encoding: 'base64url'): string } }
  export function randomBytes(length: number): { toString(encoding: 'base64url'): string }
}
