// Experiment E07 in its short form: rotation under load, with verifiers that always keep the JWKS for its full max-age.
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { expect, it } from 'vitest'
import { askForTokens, seedPair } from '../../bench/driver.ts'
import { cachedJwks } from '../../scripts/hybrid/cached-jwks.ts'
import { startProvider } from './server.ts'

const duration = 60_000
const perSecond = 50
const rotateEvery = 5000

const wait = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds))

/** A key stays announced for at least jwks_max_age + serve_stale_for, so most of the rotation requests, one every five seconds, start nothing. */
const settings = { jwks_max_age: 1, serve_stale_for: 15, key_announce_period: 1 }

it('E07 no verification fails when rotation is requested every five seconds and verifiers keep the JWKS for its max-age', async () => {
  const provider = await startProvider({ rateLimit: { limit: 1_000_000, period: 10 } })
  const { issuer } = provider
  await provider.operator('PATCH', 'settings', settings)
  const { client } = await seedPair(provider, 'ann')
  // Their caches expire at different times.
  const verifiers = Array.from({ length: 4 }, () =>
    cachedJwks(() => fetch(`${issuer}/.well-known/openid-configuration/jwks`)),
  )
  const found = { issued: 0, verified: 0, failed: [] as string[], kids: new Set<string>(), announced: 0 }

  async function once(turn: number): Promise<void> {
    const { status, body } = await askForTokens(`${issuer}/connect/token`, client, { grant_type: 'client_credentials' })
    if (status !== 200) {
      found.failed.push(`${status} ${JSON.stringify(body)}`)
      return
    }
    found.issued += 1
    const token = body.access_token
    found.kids.add(decodeProtectedHeader(token).kid ?? '')
    const verifier = verifiers[turn % verifiers.length]
    if (!verifier) return
    await jwtVerify(token, verifier.keys, { issuer, typ: 'at+jwt' }).then(
      () => {
        found.verified += 1
      },
      (fault: Error) => found.failed.push(fault.message),
    )
  }

  const startedAt = Date.now()
  const requests: Promise<void>[] = []
  let rotations = 0
  for (let turn = 0; Date.now() - startedAt < duration; turn += 1) {
    if (Date.now() - startedAt >= rotations * rotateEvery) {
      rotations += 1
      const rotation = provider.operator('POST', 'keys/rotate').then((result) => {
        if ((result as { outcome: string }).outcome === 'announced') found.announced += 1
      })
      requests.push(rotation)
    }
    requests.push(once(turn))
    await wait(Math.max(0, startedAt + ((turn + 1) * 1000) / perSecond - Date.now()))
  }
  await Promise.all(requests)
  await provider.stop()
  const fetched = verifiers.reduce((sum, verifier) => sum + verifier.requests(), 0)
  console.log(
    `E07 ${duration / 1000} s, ${found.issued} tokens, rotation requested ${rotations} times, ${found.announced} started, ${found.kids.size} keys signed, ` +
      `${fetched} JWKS fetched: ${found.verified} verified, ${found.failed.length} failures`,
  )
  expect(found.failed).toEqual([])
  expect(found.verified).toBe(found.issued)
  expect(found.kids.size).toBeGreaterThanOrEqual(3)
  expect(found.issued).toBeGreaterThan((perSecond * duration) / 1000 / 2)
}, 180_000)
