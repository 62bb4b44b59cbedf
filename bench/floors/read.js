// Floor of a call that reads one row of a Durable Object; with ALG, after the verification of one signature.
import { DurableObject } from 'cloudflare:workers'
import { base64url, keysOf, signedToken } from './keys.js'

const people = 64
const encoder = new TextEncoder()
let turn = 0
let token

/** The size and fields of an introspection response. */
const record = {
  active: true,
  scope: 'openid profile offline_access',
  client_id: 'client-0',
  token_type: 'Bearer',
  jti: 'y'.repeat(86),
  iss: 'http://127.0.0.1:8787',
  sub: 'x'.repeat(36),
  aud: 'http://127.0.0.1:8787',
  exp: 1_800_003_600,
  iat: 1_800_000_000,
  auth_time: 1_800_000_000,
  acr: '1',
  username: 'user-0',
}

export default {
  async fetch(_request, env) {
    turn += 1
    if (env.ALG) {
      const { privateKey, publicKey, algorithm } = await keysOf(env.ALG)
      token ??= await signedToken(privateKey, algorithm)
      const [header, payload, signature] = token.split('.')
      const bytes = Uint8Array.fromBase64(signature, base64url)
      const isOurs = await crypto.subtle.verify(algorithm, publicKey, bytes, encoder.encode(`${header}.${payload}`))
      if (!isOurs) return new Response('forged', { status: 500 })
    }
    const person = env.PERSON.get(env.PERSON.idFromName(`person ${turn % people}`))
    return Response.json(await person.read('h'.repeat(43)), { headers: { 'cache-control': 'no-store' } })
  },
}

export class Person extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env)
    ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS families (id TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID')
    ctx.storage.sql.exec('INSERT OR REPLACE INTO families VALUES (?, ?)', 'h'.repeat(43), JSON.stringify(record))
  }

  read(id) {
    return JSON.parse(this.ctx.storage.sql.exec('SELECT value FROM families WHERE id = ?', id).one().value)
  }
}
