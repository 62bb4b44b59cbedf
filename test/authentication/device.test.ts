import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { deviceLifetime, openDevice, sealDevice } from '../../src/authentication/device.ts'
import { base64url } from '../../src/crypto/encoding.ts'
import { aContext, aDeployment } from '../context.ts'

describe('the known-device cookie', () => {
  it('P02 brings back the device for the name that signed in, and for no other', async () => {
    const context = aContext()
    const cookie = await sealDevice(context, 'alice')
    const device = await openDevice(context, cookie, 'alice')
    expect(device).toMatch(/^[\w-]{22}$/)
    expect(await openDevice(context, cookie, 'bob')).toBeUndefined()
    expect(await openDevice(context, await sealDevice(context, 'alice'), 'alice')).not.toBe(device)
    expect(await openDevice(context, await sealDevice(context, 'alice', device), 'alice')).toBe(device)
  })

  it('is good for a year', async () => {
    const context = aContext()
    const cookie = await sealDevice(context, 'alice')
    const at = (seconds: number) => aContext({ now: context.now + seconds * 1000 })
    expect(await openDevice(at(deviceLifetime - 1), cookie, 'alice')).toBeDefined()
    expect(await openDevice(at(deviceLifetime), cookie, 'alice')).toBeUndefined()
  })

  it('is ours or nothing, and names nobody', async () => {
    const context = aContext()
    const cookie = await sealDevice(context, 'alice')
    expect(cookie).not.toContain('alice')
    const forged = [undefined, '', 'nonsense', `${cookie}A`, cookie.slice(0, -1), `B${cookie.slice(1)}`]
    for (const value of forged) expect(await openDevice(context, value, 'alice')).toBeUndefined()
    const sealedForAnother = await context.issuer.sealer.seal('interaction', new TextEncoder().encode('{"v":1}'))
    expect(await openDevice(context, sealedForAnother, 'alice')).toBeUndefined()
  })

  it('outlives a change of the pepper as long as the old one is known', async () => {
    const newPepper = base64url(new Uint8Array(32).fill(7))
    const cookie = await sealDevice(aContext(), 'alice')
    const rotated = (pepper: string) => aContext(aDeployment({ PEPPER: pepper }))
    expect(await openDevice(rotated(`2.${newPepper} 1.${env.PEPPER}`), cookie, 'alice')).toBeDefined()
    expect(await openDevice(rotated(`2.${newPepper}`), cookie, 'alice')).toBeUndefined()
  })
})
