// Experiment E11 in its short form: provider A hangs or signs with unknown keys, while people keep signing in with provider B.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Page, type Provider, redirectOf, startProvider } from '../node/server.ts'
import type { ForeignClient } from './foreign-client.ts'
import { seedApplication } from './journey.ts'
import { type SmallProvider, startSmallProvider } from './small-provider.ts'

// Generous, because a busy machine is slow but not wrong.
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

interface SignIn {
  page: Page
  /** Milliseconds that the callback took. */
  took: number
}

/** Signs a person in with a new browser, which has an address of its own. */
async function signIn(idp: 'a' | 'b', person: number): Promise<SignIn> {
  const browser = provider.browser()
  const sent = await application.newRequest({ acr_values: `idp:${idp}`, login_hint: `person-${person}` })
  const there = await fetch(redirectOf(await browser.open(sent.url)), { redirect: 'manual' })
  const callback = there.headers.get('location') ?? ''
  const start = performance.now()
  const page = await browser.open(callback)
  return { page, took: performance.now() - start }
}

const isSignedIn = ({ page }: SignIn): boolean =>
  page.headers.has('location') && redirectOf(page).searchParams.has('code')
const isProblem = ({ page }: SignIn): boolean => page.html.includes('page-external-problem')

type Pace = [count: number, perSecond: number, atOnce: number]

/** Starts `count` runs at an even pace, at most `atOnce` at a time, so that a slow machine takes longer instead of queueing. */
async function everySoOften<T>([count, perSecond, atOnce]: Pace, make: (index: number) => Promise<T>): Promise<T[]> {
  const start = performance.now()
  let next = 0
  const lane = async () => {
    const made: T[] = []
    for (let index = next++; index < count; index = next++) {
      const wait = start + (index * 1000) / perSecond - performance.now()
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

/** The states of A: each returns the sign-ins with A during one round. */
const states = {
  quiet: async (): Promise<SignIn[]> => [],
  async hanging() {
    a.faults.token = 'hang'
    const signIns = await everySoOften([20, 1000, 20], (index) => signIn('a', index))
    a.faults.token = undefined
    return signIns
  },
  /** As many sign-ins as with random kids, but valid: all of them share the machine. */
  busy: () => everySoOften([160, 80, 2], (index) => signIn('a', index % people)),
  async 'random kids'() {
    a.signsUnderRandomKids = true
    const signIns = await everySoOften([334, 80, 2], (index) => signIn('a', index))
    a.signsUnderRandomKids = false
    return signIns
  },
}
type State = keyof typeof states
/** The state that each state is compared with. */
const baselines: Record<State, State> = { quiet: 'quiet', hanging: 'quiet', busy: 'quiet', 'random kids': 'busy' }

const quantile = (times: number[], share: number): number =>
  [...times].sort((one, other) => one - other)[Math.ceil(times.length * share) - 1] ?? Number.NaN

const times = (signIns: SignIn[]): number[] => signIns.map(({ took }) => took)

const ratio = (found: Found, state: State, share: number): number =>
  quantile(times(found[state].ofB), share) / quantile(times(found[baselines[state]].ofB), share)

type Found = Record<State, { ofA: SignIn[]; ofB: SignIn[] }>

/** Runs the states in turn, so that other load on the machine affects all of them. */
async function playRounds(): Promise<Found> {
  const newState = () => ({ ofA: [] as SignIn[], ofB: [] as SignIn[] })
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
    console.log(`E11 A ${state}: callbacks of B took p50 ${p50}, p99 ${p99}, compared with A ${baselines[state]}`)
  }
}

it('E11 an external provider that hangs, then signs under 1,000 random kids, is asked for its keys once a minute and slows down no other provider', {
  timeout,
}, async () => {
  // Creates the users, and warms the Worker up.
  await everySoOften(signInsOfB, (index) => signIn('b', index % people))
  const keyRequestsBefore = a.requests.jwks
  const start = performance.now()
  const found = await playRounds()
  const seconds = (performance.now() - start) / 1000
  const keyRequests = a.requests.jwks - keyRequestsBefore
  const [stuck, unknown] = [found.hanging.ofA, found['random kids'].ofA]
  const slowest = Math.max(...times(stuck))
  print(found)
  console.log(
    `E11 ${stuck.length} sign-ins while A hangs, the slowest page after ${(slowest / 1000).toFixed(1)} s; ${unknown.length} tokens under random ` +
      `kids, ${keyRequests} requests for A's keys in ${seconds.toFixed(0)} s`,
  )

  for (const { ofB } of Object.values(found)) expect(ofB.every(isSignedIn)).toBe(true)
  expect(found.busy.ofA.every(isSignedIn)).toBe(true)
  expect(stuck.every(isProblem)).toBe(true)
  expect(slowest).toBeLessThan(10_000)
  expect(unknown.length).toBeGreaterThanOrEqual(1000)
  expect(unknown.every(isProblem)).toBe(true)
  // One isolate serves all requests. At least one fetch shows that the unknown kids were looked up.
  expect(keyRequests).toBeGreaterThan(0)
  expect(keyRequests).toBeLessThanOrEqual(1 + Math.floor(seconds / 60))
  expect(ratio(found, 'hanging', 0.5)).toBeLessThan(2)
  expect(ratio(found, 'random kids', 0.5)).toBeLessThan(2)
  // As soon as A works again, its people can sign in.
  expect(isSignedIn(await signIn('a', 0))).toBe(true)
})
