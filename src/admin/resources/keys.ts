// The signing keys as administrators see and change them: listed, rotated, retired in an emergency, and moved between servers as files.
import * as z from 'zod/mini'
import { base64 } from '../../crypto/encoding.ts'
import { encodePem } from '../../crypto/pem.ts'
import { defaultCommonName, parseCertificate, thumbprints } from '../../crypto/x509.ts'
import { read } from '../../request/commit.ts'
import { exportKeyFile, importKeyFile, retireKey, rotateKeys, unknownKey } from '../../signing-keys/change-keys.ts'
import type { SigningKeyRecord } from '../../storage/configuration-reads.ts'
import { readRing } from '../../storage/signing-keys.ts'
import { type AdminRoute, ok, route } from '../admin-route.ts'
import { line, toInstant } from '../fields.ts'

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
  /** The time at which the new keys begin to sign. */
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
  /** The password of a PFX, which must have one. PEM and JWK are not encrypted. */
  password: z.optional(password),
  /** The encryption of a PFX. `3des` is for Windows Server 2016 and older. */
  encryption: z._default(z.enum(['aes256', '3des']), 'aes256'),
  /** The friendly name in a PFX, which Windows shows beside the certificate. */
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
  /** `now` is for the first set-up and for emergencies: a client that cached the JWKS cannot verify until it fetches it again. */
  activate: z._default(z.enum(['after-announce', 'now']), 'after-announce'),
})

const imported = z.object({
  /** `known`: the ring has the certificate already, so nothing was changed. */
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
      return ok({ items: keys.map(serialiseKey) })
    },
  }),
  route({
    method: 'POST',
    path: 'keys/rotate',
    summary: 'Announce a successor of every key',
    description: 'It is published at once and signs when the announce period is over (setting `key_announce_period`).',
    answer: rotation,
    async handle(context) {
      const { outcome, activates_at } = await rotateKeys(context)
      return ok({ outcome, activates_at: toInstant(activates_at) })
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
      const { outcome, entries } = await importKeyFile(context, body.file, body.password, body.activate)
      return ok({ outcome, keys: entries.map((entry) => ({ ...entry, activates_at: toInstant(entry.activates_at) })) })
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
      const { friendly_name: friendlyName, ...wanted } = body
      const { kid, file } = await exportKeyFile(context, params.name, { ...wanted, friendlyName })
      return ok({ kid, format: body.format, file: base64(file) })
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
      return ok(await serialiseCertificate(key))
    },
  }),
  route({
    method: 'POST',
    path: 'keys/{kid}/retire',
    summary: 'Take a key out of use at once',
    description: 'For a key that others may know: it leaves the JWKS, and nothing it signed is believed again.',
    answer: z.object({ replaced_by: z.array(z.string()) }),
    async handle(context, call) {
      const { replaced_by } = await retireKey(context, call.params.kid)
      return ok({ replaced_by })
    },
  }),
]

async function serialiseCertificate({ kid, certificate }: SigningKeyRecord) {
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

function serialiseKey({ public_jwk, wrapped_private_key, ...record }: SigningKeyRecord) {
  const { created_at, activates_at, retired_at, gone_at } = record
  return {
    ...record,
    created_at: toInstant(created_at),
    activates_at: toInstant(activates_at),
    retired_at: retired_at === null ? null : toInstant(retired_at),
    gone_at: gone_at === null ? null : toInstant(gone_at),
  }
}
