import { afterEach, describe, expect, it, vi } from 'vitest'
import { fetchLimited } from '../../src/outbound/bounded-fetch.ts'

const limits = { maxBytes: 1000, timeoutMs: 200, allowLoopback: false }
const answers = (response: () => Response | Promise<Response>) =>
  vi.spyOn(globalThis, 'fetch').mockImplementation(async () => response())

afterEach(() => vi.restoreAllMocks())

/** A response that sends a byte every 20 milliseconds without end. */
function dripping(): { response: Response; wasCancelled: () => boolean } {
  let cancelled = false
  const body = new ReadableStream({
    async pull(controller) {
      await scheduler.wait(20)
      controller.enqueue(new Uint8Array(1))
    },
    cancel() {
      cancelled = true
    },
  })
  return { response: new Response(body), wasCancelled: () => cancelled }
}

describe('T24 fetchLimited', () => {
  it('returns status, headers and bytes', async () => {
    answers(() => Response.json({ keys: [] }, { status: 404 }))
    const answer = await fetchLimited('https://rp.test/jwks', limits)
    expect(answer).toMatchObject({ outcome: 'answered', status: 404 })
    expect(answer.outcome === 'answered' && new TextDecoder().decode(answer.body)).toBe('{"keys":[]}')
  })

  it('sends no request to an internal address', async () => {
    const fetch = answers(() => new Response('secret'))
    for (const url of ['https://127.0.0.1/', 'https://169.254.169.254/', 'http://rp.test/', 'https://db.internal/']) {
      expect(await fetchLimited(url, limits), url).toMatchObject({ outcome: 'refused' })
    }
    expect(fetch).not.toHaveBeenCalled()
  })

  it('does not follow redirects', async () => {
    const fetch = answers(() => new Response(null, { status: 302, headers: { location: 'http://127.0.0.1/' } }))
    expect(await fetchLimited('https://rp.test/', limits)).toMatchObject({ outcome: 'refused' })
    expect(fetch).toHaveBeenCalledTimes(1)
    expect(fetch.mock.calls[0]?.[1]).toMatchObject({ redirect: 'manual' })
  })

  it('stops at the limit of bytes, with and without Content-Length', async () => {
    answers(() => new Response(new Uint8Array(1001)))
    expect(await fetchLimited('https://rp.test/', limits)).toMatchObject({ outcome: 'refused' })
    let sent = 0
    answers(() => {
      const body = new ReadableStream({
        pull(controller) {
          sent += 400
          controller.enqueue(new Uint8Array(400))
        },
      })
      return new Response(body)
    })
    expect(await fetchLimited('https://rp.test/', limits)).toMatchObject({ outcome: 'refused' })
    expect(sent).toBeLessThan(4000)
    answers(() => new Response(new Uint8Array(1000)))
    expect(await fetchLimited('https://rp.test/', limits)).toMatchObject({ outcome: 'answered' })
  })

  it('stops at the limit of time, for a slow body and for no response', async () => {
    answers(() => dripping().response)
    expect(await fetchLimited('https://rp.test/', limits)).toMatchObject({ outcome: 'refused' })
    answers(() => new Promise<Response>(() => undefined))
    const answer = await fetchLimited('https://rp.test/', limits)
    expect(answer).toEqual({
      outcome: 'refused',
      check: 'unreachable',
      reason: 'https://rp.test/ did not answer in full within 200 ms',
    })
  })

  it('returns the fault and does not throw', async () => {
    answers(() => {
      throw new TypeError('connection refused')
    })
    const answer = await fetchLimited('https://rp.test/', limits)
    expect(answer).toEqual({ outcome: 'refused', check: 'unreachable', reason: 'https://rp.test/: connection refused' })
  })
})
