// Floor of code → tokens and refresh → tokens: one row written by a Durable Object, then two signatures.
import { DurableObject } from 'cloudflare:workers'
import { keysOf, signedToken } from './keys.js'

const people = 64
let turn = 0

export default {
  async fetch(_request, env) {
    turn += 1
    const person = env.PERSON.get(env.PERSON.idFromName(`person ${turn % people}`))
    // The value changes each time, because SQLite writes nothing for an unchanged row.
    await person.write('h'.repeat(43), `${crypto.randomUUID()}${'v'.repeat(264)}`)
    const { privateKey, algorithm } = await keysOf(env.ALG)
    const access_token = await signedToken(privateKey, algorithm)
    const id_token = await signedToken(privateKey, algorithm)
    const tokens = { access_token, id_token, refresh_token: 'r'.repeat(120), token_type: 'Bearer', expires_in: 3600 }
    return Response.json(tokens, { headers: { 'cache-control': 'no-store' } })
  },
}

export class Person extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env)
    ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS families (id TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID')
  }

  write(id, value) {
    this.ctx.storage.sql.exec('INSERT OR REPLACE INTO families VALUES (?, ?)', id, value)
  }
}
