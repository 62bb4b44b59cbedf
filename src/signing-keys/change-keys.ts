// How an administrator changes the signing keys: rotated, imported, exported, retired. The KeyRing does the work; this file validates the
// request and turns the ring's refusals into Problems.
import { badRequest, conflict, notFound, unavailable } from '../model/problems.ts'
import { refuseFaults } from '../model/refuse-faults.ts'
import { refresh } from '../request/commit.ts'
import { actorOf, type RequestContext } from '../request/context.ts'
import { askKeyRing } from './key-ring/ask-key-ring.ts'
import type { KeyFileRequest } from './key-ring/export-key.ts'
import type { Activation } from './key-ring/import-key.ts'
import type { ChangeOrigin, ExportResult, ImportResult, RetireResult, RotateResult } from './key-ring/key-ring.ts'

/** Announces a successor of every key. Throws a Problem: 409 while there is no key, 503 if the ring fails. */
export async function rotateKeys(
  context: RequestContext,
): Promise<Extract<RotateResult, { outcome: 'announced' | 'already_announced' }>> {
  const result = await askKeyRing(context, (ring) => ring.rotate(context.now, originOf(context)))
  if (result.outcome === 'unavailable') throw ringUnavailable(result.reason)
  if (result.outcome === 'no_enabled_client') {
    throw conflict('There is no key to rotate: the first one is made when a client is enabled')
  }
  await follow(context, 'key.rotate')
  return result
}

/** Imports a private key file, given in base64. Throws a Problem: 400 if the file is refused, 503 if the ring fails. */
export async function importKeyFile(
  context: RequestContext,
  file: string,
  password: string,
  activation: Activation,
): Promise<Exclude<ImportResult, { outcome: 'refused' | 'unavailable' }>> {
  const bytes = parseFile(file)
  const result = await askKeyRing(context, (ring) =>
    ring.importKey({ bytes, password }, activation, context.now, originOf(context)),
  )
  if (result.outcome === 'unavailable') throw ringUnavailable(result.reason)
  if (result.outcome === 'refused') throw refusedFile(`${result.fault}: ${result.message}`)
  await follow(context, 'key.import')
  return result
}

export interface KeyExport {
  format: KeyFileRequest['format']
  password?: string | undefined
  encryption: 'aes256' | '3des'
  friendlyName: string
}

/**
 * Returns the private key as a file. `name`: a kid or a version. Throws a Problem: 400 for a password that is missing or has no use,
 * 404 for an unknown key, 409 if its private key can no longer be read, 503 if the ring fails.
 */
export async function exportKeyFile(
  context: RequestContext,
  name: string,
  wanted: KeyExport,
): Promise<Extract<ExportResult, { outcome: 'exported' }>> {
  const request = keyFileRequest(wanted)
  const result = await askKeyRing(context, (ring) => ring.exportKey(name, request, context.now, originOf(context)))
  if (result.outcome === 'unavailable') throw ringUnavailable(result.reason)
  if (result.outcome === 'unknown') throw unknownKey()
  if (result.outcome === 'no_private_key') throw conflict('The private key is destroyed or cannot be opened')
  context.log({ action: 'key.export', target: result.kid })
  return result
}

/** Unpublishes a key at once. Returns the kids that replace it. Throws a Problem: 404 for an unknown key, 503 if the ring fails. */
export async function retireKey(
  context: RequestContext,
  kid: string,
): Promise<Extract<RetireResult, { outcome: 'retired' }>> {
  const result = await askKeyRing(context, (ring) => ring.retire(kid, context.now, originOf(context)))
  if (result.outcome === 'unavailable') throw ringUnavailable(result.reason)
  if (result.outcome === 'unknown') throw unknownKey()
  await follow(context, 'key.retire')
  return result
}

export const unknownKey = () => notFound('There is no key with this kid')

const originOf = (context: RequestContext): ChangeOrigin => ({ actor: actorOf(context), requestId: context.requestId })

/** Logs the change. This isolate follows it at once, the others when they read the configuration again. */
async function follow(context: RequestContext, action: string): Promise<void> {
  context.log({ action })
  await refresh(context)
}

const ringUnavailable = (reason: string) => unavailable(`The key ring: ${reason}`)

const refusedFile = (fault: string) => badRequest('The file was not taken, nothing was changed', { file: fault })

function parseFile(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(text)
  } catch {
    throw refusedFile('is not base64')
  }
}

/** A PFX must have a password; PEM and JWK, which are not encrypted, must have none. */
function keyFileRequest({ format, password = '', encryption, friendlyName }: KeyExport): KeyFileRequest {
  if (format !== 'pfx') {
    if (password !== '') refuseFaults({ password: `a ${format} is in the clear: only a pfx has a password` })
    return { format }
  }
  if (password === '') refuseFaults({ password: 'is missing: a private key does not leave without one' })
  return { format, password, encryption, friendlyName }
}
