// The signing keys, as far as an operator touches them: seen, rotated, taken out of use in an emergency, and carried from server to server as
// files. The KeyRing does the work.
import * as z from 'zod/mini'
import { base64 } from '../../crypto/encoding.ts'
import { encodePem } from '../../crypto/pem.ts'
import { defaultCommonName, parseCertificate, thumbprints } from '../../crypto/x509.ts'
import { badRequest, conflict, notFound, unavailable } from '../../model/problems.ts'
import { refuseFaults } from '../../model/refuse-faults.ts'
import { read } from '../../request/commit.ts'
import type { RequestContext } from '../../request/context.ts'
import { askKeyRing } from '../../signing-keys/key-ring/ask-key-ring.ts'
import type { KeyFileRequest } from '../../signing-keys/key-ring/export-key.ts'
import type { ChangeOrigin } from '../../signing-keys/key-ring/key-ring.ts'
import type { SigningKeyRecord } from '../../storage/configuration-reads.ts'
import { readRing } from '../../storage/signing-keys.ts'
import { line, toInstant } from '../fields.ts'
import { type AdminRoute, ok, route } from '../route.ts'

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

const certificate = z.object({
  kid: z.string(),
  /** SHA-1, as Windows shows it. */
  thumbprint: z.string(),
  not_before: z.iso.datetime(),
  not_after: z.iso.datetime(),
  pem: z.string(),
  /** Base64. */
  der: z.string(),
})

const password = z.string().check(z.maxLength(256))

const exportBody = z.object({
  format: z.enum(['pfx', 'pem', 'jwk']),
  /** Of a PFX, which must have one. PEM and JWK are in the clear. */
  password: z.optional(password),
  /** Of a PFX. `3des`: for Windows Server 2016 and older. */
  encryption: z._default(z.enum(['aes256', '3des']), 'aes256'),
  /** Of a PFX: what Windows shows beside the certificate. */
  friendly_name: z._default(line(100), defaultCommonName),
})

const keyFile = z.object({
  kid: z.string(),
  format: z.enum(['pfx', 'pem', 'jwk']),
  /** The file, base64. */
  file: z.string(),
})

const importBody = z.object({
  /** PKCS#12, PEM bundle or JWK with `x5c`, base64: one private key and its certificate. */
  file: z.string().check(z.minLength(1)),
  password: z._default(password, ''),
  /** `now`: for the first set-up and for emergencies. Whoever cached the JWKS cannot verify until it fetches it again. */
  activate: z._default(z.enum(['after-announce', 'now']), 'after-announce'),
})

const imported = z.object({
  /** `known`: the certificate was here already, nothing was changed. */
  outcome: z.enum(['imported', 'activated', 'known']),
  keys: z.array(
    z.object({
      kid: z.string(),
      state: z.enum(['announced', 'active', 'retired', 'gone']),
      activates_at: z.iso.datetime(),
      vault: z.string(),
    }),
  ),
})

export const keyRoutes: AdminRoute[] = [
  route({
    method: 'GET',
    path: 'keys',
    summary: 'List signing keys, the oldest first',
    answer: z.object({ items: z.array(key) }),
    async handle(context) {
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
    async handle(context) {
      const answer = await askKeyRing(context, (ring) => ring.rotate(context.now, originOf(context)))
      if (answer.outcome === 'unavailable') throw ringUnavailable(answer.reason)
      if (answer.outcome === 'no_enabled_client') {
        throw conflict('There is no key to rotate: the first one is made when a client is enabled')
      }
      await follow(context, 'key.rotate')
      return ok({ outcome: answer.outcome, activates_at: toInstant(answer.activates_at) })
    },
  }),
  route({
    method: 'POST',
    path: 'keys/import',
    summary: 'Take in a private key with its certificate',
    description:
      'It is self-tested, put into the vault in use and published at once; it signs when the announce period is over, or at once when there is ' +
      'no other key or `activate` is `now`. A file that is not taken changes nothing.',
    body: importBody,
    answer: imported,
    async handle(context, { body }) {
      const file = { bytes: parseFile(body.file), password: body.password }
      const answer = await askKeyRing(context, (ring) =>
        ring.importKey(file, body.activate, context.now, originOf(context)),
      )
      if (answer.outcome === 'unavailable') throw ringUnavailable(answer.reason)
      if (answer.outcome === 'refused') throw refusedFile(`${answer.fault}: ${answer.message}`)
      await follow(context, 'key.import')
      const keys = answer.entries.map((entry) => ({ ...entry, activates_at: toInstant(entry.activates_at) }))
      return ok({ outcome: answer.outcome, keys })
    },
  }),
  route({
    method: 'POST',
    path: 'keys/{name}/export',
    summary: 'Write a private key with its certificate as a file',
    description: '`name` is a kid or a version. Every export is an audit event. Whoever has the file can issue tokens.',
    body: exportBody,
    answer: keyFile,
    async handle(context, { params, body }) {
      const request = fileRequest(body)
      const answer = await askKeyRing(context, (ring) =>
        ring.exportKey(params.name, request, context.now, originOf(context)),
      )
      if (answer.outcome === 'unavailable') throw ringUnavailable(answer.reason)
      if (answer.outcome === 'unknown') throw unknownKey()
      if (answer.outcome === 'no_private_key') throw conflict('The private key is destroyed or cannot be opened')
      context.log({ action: 'key.export', target: answer.kid })
      return ok({ kid: answer.kid, format: body.format, file: base64(answer.file) })
    },
  }),
  route({
    method: 'GET',
    path: 'keys/{kid}/certificate',
    summary: 'Read the certificate of a key',
    description: 'Public: it holds no private key. Other servers compare its thumbprint.',
    answer: certificate,
    async handle(context, { params }) {
      const { keys } = await read(context, readRing)
      const key = keys.find(({ kid }) => kid === params.kid)
      if (!key) throw unknownKey()
      return ok(await shownCertificate(key))
    },
  }),
  route({
    method: 'POST',
    path: 'keys/{kid}/retire',
    summary: 'Take a key out of use at once',
    description: 'For a key that others may know: it leaves the JWKS, and nothing it signed is believed again.',
    answer: z.object({ replaced_by: z.array(z.string()) }),
    async handle(context, call) {
      const { kid } = call.params
      const answer = await askKeyRing(context, (ring) => ring.retire(kid, context.now, originOf(context)))
      if (answer.outcome === 'unavailable') throw ringUnavailable(answer.reason)
      if (answer.outcome === 'unknown') throw unknownKey()
      await follow(context, 'key.retire')
      return ok({ replaced_by: answer.replaced_by })
    },
  }),
]

const originOf = (context: RequestContext): ChangeOrigin => ({ actor: 'operator', requestId: context.requestId })

const ringUnavailable = (reason: string) => unavailable(`The key ring: ${reason}`)

const unknownKey = () => notFound('There is no key with this kid')

const refusedFile = (fault: string) => badRequest('The file was not taken, nothing was changed', { file: fault })

function parseFile(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(text)
  } catch {
    throw refusedFile('is not base64')
  }
}

function fileRequest({ format, ...body }: z.output<typeof exportBody>): KeyFileRequest {
  if (format !== 'pfx') {
    if (body.password) refuseFaults({ password: `a ${format} is in the clear: only a pfx has a password` })
    return { format }
  }
  const { password = '', encryption, friendly_name: friendlyName } = body
  if (password === '') refuseFaults({ password: 'is missing: a private key does not leave without one' })
  return { format, password, encryption, friendlyName }
}

async function shownCertificate({ kid, certificate }: SigningKeyRecord) {
  const der = Uint8Array.fromBase64(certificate)
  const fields = parseCertificate(der)
  if (!fields) throw new Error(`the certificate of ${kid} is not X.509`)
  const { hex } = await thumbprints(der)
  return {
    kid,
    thumbprint: hex,
    not_before: toInstant(fields.notBefore),
    not_after: toInstant(fields.notAfter),
    pem: encodePem('CERTIFICATE', der),
    der: certificate,
  }
}

async function follow(context: RequestContext, action: string): Promise<void> {
  context.log({ action })
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
