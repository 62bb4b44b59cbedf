// Experiment E11 in its short form: a provider that hangs, or signs under keys that nobody knows, beside one whose people go on signing in.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Page, type Provider, redirectOf, startProvider } from '../node/server.ts'
import type { ForeignClient } from './foreign-client.ts'
import { seedApplication } from './journey.ts'
import { type SmallProvider, startSmallProvider } from './small-provider.ts'

// A busy machine may be slow without being wrong.
const timeout = 180_000

let provider: Provider
let application: ForeignClient
let a: SmallProvider
let b: SmallProvider
beforeAll(async () => {
  provider = await startProvider()
  application = await seedApplication(provider)
  a = await startSmallProvider()
  b = await startSmallProvider()
  for (const [id, { metadata_endpoint, client_id, client_secret }] of Object.entries({ a, b })) {
    const record = { name: id, metadata_endpoint, client_id, client_secret, provisioning_enabled: true }
    await provider.operator('PUT', `identity-providers/${id}`, record)
  }
})
afterAll(async () => {
  await a?.stop()
  await b?.stop()
  await provider?.stop()
})

interface Return {
  page: Page
  /** Milliseconds: of the callback alone. */
  took: number
}

/** Somebody with a browser and an address of their own. */
async function signIn(idp: 'a' | 'b', person: number): Promise<Return> {
  const browser = provider.browser()
  const sent = await application.newRequest({ acr_values: `idp:${idp}`, login_hint: `person-${person}` })
  const there = await fetch(redirectOf(await browser.open(sent.url)), { redirect: 'manual' })
  const callback = there.headers.get('location') ?? ''
  const begun = performance.now()
  const page = await browser.open(callback)
  return { page, took: performance.now() - begun }
}

const isSignedIn = ({ page }: Return): boolean =>
  page.headers.has('location') && redirectOf(page).searchParams.has('code')
const isProblem = ({ page }: Return): boolean => page.html.includes('page-external-problem')

type Pace = [count: number, perSecond: number, atOnce: number]

/** Evenly begun, at most so many under way: a slow machine makes it take longer, not queue up. */
async function everySoOften<T>([count, perSecond, atOnce]: Pace, make: (index: number) => Promise<T>): Promise<T[]> {
  const begun = performance.now()
  let next = 0
  const lane = async () => {
    const made: T[] = []
    for (let index = next++; index < count; index = next++) {
      const wait = begun + (index * 1000) / perSecond - performance.now()
      await new Promise((resolve) => setTimeout(resolve, wait))
      made.push(await make(index))
    }
    return made
  }
  return (await Promise.all(Array.from({ length: atOnce }, lane))).flat()
}

const rounds = 3
const people = 20
const signInsOfB: Pace = [60, 25, 60]

/** What A does in a round, and what became of its people. */
const states = {
  quiet: async (): Promise<Return[]> => [],
  async hanging() {
    a.faults.token = 'hang'
    const returns = await everySoOften([20, 1000, 20], (index) => signIn('a', index))
    a.faults.token = undefined
    return returns
  },
  /** What as many sign-ins cost anyway, for they share the machine. */
  busy: () => everySoOften([160, 80, 2], (index) => signIn('a', index % people)),
  async 'random kids'() {
    a.signsUnderRandomKids = true
    const returns = await everySoOften([334, 80, 2], (index) => signIn('a', index))
    a.signsUnderRandomKids = false
    return returns
  },
}
type State = keyof typeof states
/** What each is compared with. */
const baselines: Record<State, State> = { quiet: 'quiet', hanging: 'quiet', busy: 'quiet', 'random kids': 'busy' }

const quantile = (times: number[], share: number): number =>
  [...times].sort((one, other) => one - other)[Math.ceil(times.length * share) - 1] ?? Number.NaN

const times = (returns: Return[]): number[] => returns.map(({ took }) => took)

const ratio = (found: Found, state: State, share: number): number =>
  quantile(times(found[state].ofB), share) / quantile(times(found[baselines[state]].ofB), share)

type Found = Record<State, { ofA: Return[]; ofB: Return[] }>

/** The states take turns, so that whatever else the machine does meets them all. */
async function playRounds(): Promise<Found> {
  const newState = () => ({ ofA: [] as Return[], ofB: [] as Return[] })
  const found: Found = { quiet: newState(), hanging: newState(), busy: newState(), 'random kids': newState() }
  for (let round = 0; round < rounds; round += 1) {
    for (const state of Object.keys(states) as State[]) {
      const ofB = everySoOften(signInsOfB, (index) => signIn('b', index % people))
      found[state].ofA.push(...(await states[state]()))
      found[state].ofB.push(...(await ofB))
    }
  }
  return found
}

function print(found: Found): void {
  for (const state of Object.keys(states) as State[]) {
    const [p50, p99] = [0.5, 0.99].map((share) => {
      const took = quantile(times(found[state].ofB), share)
      return `${took.toFixed(1)} ms (× ${ratio(found, state, share).toFixed(2)})`
    })
    console.log(
      `E11 A ${state}: callbacks of B took p50 ${p50}, p99 ${p99} of what they took with A ${baselines[state]}`,
    )
  }
}

it('E11 an upstream that hangs, then signs under 1,000 random kids, is asked for its keys once a minute and slows nobody else', {
  timeout,
}, async () => {
  // They have users here, and the Worker is warm.
  await everySoOften(signInsOfB, (index) => signIn('b', index % people))
  const keyRequestsBefore = a.requests.jwks
  const begun = performance.now()
  const found = await playRounds()
  const seconds = (performance.now() - begun) / 1000
  const keyRequests = a.requests.jwks - keyRequestsBefore
  const [stuck, unknown] = [found.hanging.ofA, found['random kids'].ofA]
  const slowest = Math.max(...times(stuck))
  print(found)
  console.log(
    `E11 ${stuck.length} people stuck with A, the slowest page after ${(slowest / 1000).toFixed(1)} s; ${unknown.length} tokens under random ` +
      `kids, ${keyRequests} requests for A's keys in ${seconds.toFixed(0)} s`,
  )

  for (const { ofB } of Object.values(found)) expect(ofB.every(isSignedIn)).toBe(true)
  expect(found.busy.ofA.every(isSignedIn)).toBe(true)
  expect(stuck.every(isProblem)).toBe(true)
  expect(slowest).toBeLessThan(10_000)
  expect(unknown.length).toBeGreaterThanOrEqual(1000)
  expect(unknown.every(isProblem)).toBe(true)
  // One isolate serves here. Asked at all, or the kids would not have been looked for.
  expect(keyRequests).toBeGreaterThan(0)
  expect(keyRequests).toBeLessThanOrEqual(1 + Math.floor(seconds / 60))
  expect(ratio(found, 'hanging', 0.5)).toBeLessThan(2)
  expect(ratio(found, 'random kids', 0.5)).toBeLessThan(2)
  // As soon as A behaves, its people get in.
  expect(isSignedIn(await signIn('a', 0))).toBe(true)
})
