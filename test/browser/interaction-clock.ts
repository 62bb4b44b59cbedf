// Makes an interaction older by resealing the state in its address, because no test waits for the hour that it lives.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import type { Server } from '../../scripts/server.ts'

/** The address of the same interaction, started `milliseconds` earlier. */
export async function passTime(address: string, milliseconds: number, { issuer, secrets }: Server): Promise<string> {
  const key = Buffer.from(
    hkdfSync('sha256', Buffer.from(secrets.SEAL_KEY, 'base64url'), issuer, 'countersign interaction', 32),
  )
  const url = new URL(address)
  const sealed = Buffer.from(url.searchParams.get('interaction') ?? '', 'base64url')
  const [header, nonce] = [sealed.subarray(0, 2), sealed.subarray(2, 14)]
  const opening = createDecipheriv('aes-256-gcm', key, nonce)
    .setAAD(Buffer.from('interaction'))
    .setAuthTag(sealed.subarray(-16))
  const content = JSON.parse(Buffer.concat([opening.update(sealed.subarray(14, -16)), opening.final()]).toString())
  content.started_at -= milliseconds

  const fresh = randomBytes(12)
  const sealing = createCipheriv('aes-256-gcm', key, fresh).setAAD(Buffer.from('interaction'))
  const ciphertext = Buffer.concat([sealing.update(JSON.stringify(content)), sealing.final()])
  url.searchParams.set(
    'interaction',
    Buffer.concat([header, fresh, ciphertext, sealing.getAuthTag()]).toString('base64url'),
  )
  return url.href
}
