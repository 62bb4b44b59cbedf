// The known-device cookie: sealed, and bound to one login name. It gives a browser that signed in before an allowance of its own while an attacker keeps the
// name locked (SECURITY-CASES P02). It proves nothing else.

import { base64url, fromUtf8, randomBytes, utf8 } from '../crypto/encoding.ts'
import type { RequestContext } from '../request/context.ts'
import { loginNameKeys } from './login-name-key.ts'

type DeviceContext = Pick<RequestContext, 'deployment' | 'issuer' | 'now'>

interface Device {
  v: 1
  /** 16 random bytes. */
  id: string
  /** HMAC of the login name. */
  name: string
  /** Milliseconds. */
  until: number
}

/** Seconds. */
export const deviceLifetime = 365 * 24 * 3600

/** Returns the cookie's value, valid for a year. `device` is the id of the present cookie, kept when the same user signs in again. */
export async function sealDevice(context: DeviceContext, loginName: string, device?: string): Promise<string> {
  const [name = ''] = loginNameKeys(context, loginName)
  const id = device ?? base64url(randomBytes(16))
  const content: Device = { v: 1, id, name, until: context.now + deviceLifetime * 1000 }
  return context.issuer.sealer.seal('device', utf8(JSON.stringify(content)))
}

/** Returns the device's id; undefined if there is no cookie, or it is not ours, expired, or bound to another login name. */
export async function openDevice(
  context: DeviceContext,
  cookieValue: string | undefined,
  loginName: string,
): Promise<string | undefined> {
  const opened = cookieValue && (await context.issuer.sealer.open('device', cookieValue))
  if (!opened) return undefined
  const device = JSON.parse(fromUtf8(opened)) as Device
  if (device.v !== 1 || device.until <= context.now) return undefined
  return loginNameKeys(context, loginName).includes(device.name) ? device.id : undefined
}
