// The signing keys, as far as an operator touches them: seen, rotated, and taken out of use in an emergency. The KeyRing does the work.
import * as z from 'zod/mini'
import { askKeyRing, type RequestContext } from '../context.ts'
import type { Cause } from '../durable-objects/key-ring.ts'
import { Problem } from '../protocol/errors.ts'
import type { SigningKeyRecord } from '../storage/configuration.ts'
import { readRing } from '../storage/signing-keys.ts'
import { read } from './commit.ts'
import { toInstant } from './fields.ts'
import { type AdminRoute, ok, route } from './route.ts'

const key = z.object({
  kid: z.string(),
  alg: z.string(),
  state: z.enum(['announced', 'active', 'retired', 'gone']),
  version: z.string(),
  vault: z.string(),
  /** DER, base64. */
  certificate: z.string(),
  created_at: z.iso.datetime(),
  activates_at: z.iso.datetime(),
  retired_at: z.nullable(z.iso.datetime()),
  gone_at: z.nullable(z.iso.datetime()),
})

const rotation = z.object({
  outcome: z.enum(['announced', 'already_announced']),
  /** When the new keys begin to sign. */
  activates_at: z.iso.datetime(),
})

export const keyRoutes: AdminRoute[] = [
  route({
    method: 'GET',
    path: 'keys',
    summary: 'List signing keys, the oldest first',
    answer: z.object({ items: z.array(key) }),
    async handle(_, context) {
      const { keys } = await read(context, readRing)
      return ok({ items: keys.map(shown) })
    },
  }),
  route({
    method: 'POST',
    path: 'keys/rotate',
    summary: 'Announce a successor of every key',
    description: 'It is published at once and signs when the announce period is over (setting `key_announce_period`).',
    answer: rotation,
    async handle(_, context) {
      const answer = await askKeyRing(context, (ring) => ring.rotate(context.now, causeOf(context)))
      if (answer.outcome === 'unavailable') throw unavailable(answer.reason)
      if (answer.outcome === 'no_enabled_client') {
        throw new Problem(409, 'There is no key to rotate: the first one is made when a client is enabled')
      }
      await follow(context, 'key.rotate')
      return ok({ outcome: answer.outcome, activates_at: toInstant(answer.activates_at) })
    },
  }),
  route({
    method: 'POST',
    path: 'keys/{kid}/retire',
    summary: 'Take a key out of use at once',
    description: 'For a key that others may know: it leaves the JWKS, and nothing it signed is believed again.',
    answer: z.object({ replaced_by: z.array(z.string()) }),
    async handle(call, context) {
      const { kid } = call.params
      const answer = await askKeyRing(context, (ring) => ring.retire(kid, context.now, causeOf(context)))
      if (answer.outcome === 'unavailable') throw unavailable(answer.reason)
      if (answer.outcome === 'unknown') throw new Problem(404, 'There is no key with this kid')
      await follow(context, 'key.retire')
      return ok({ replaced_by: answer.replaced_by })
    },
  }),
]

const causeOf = (context: RequestContext): Cause => ({ actor: 'operator', requestId: context.requestId })

const unavailable = (reason: string) => new Problem(503, `The key ring: ${reason}`, {}, { 'retry-after': '2' })

async function follow(context: RequestContext, action: string): Promise<void> {
  context.log.action = action
  await context.configuration.refresh().catch(() => undefined)
}

function shown({ public_jwk, wrapped_private_key, ...record }: SigningKeyRecord) {
  const { created_at, activates_at, retired_at, gone_at } = record
  return {
    ...record,
    created_at: toInstant(created_at),
    activates_at: toInstant(activates_at),
    retired_at: retired_at === null ? null : toInstant(retired_at),
    gone_at: gone_at === null ? null : toInstant(gone_at),
  }
}
