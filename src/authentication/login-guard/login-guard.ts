// Checks one password guess at a time for the login names of one shard, known and unknown names alike. There are 256 shards, by HMAC of the login name.
// A guess in flight counts as a failure until it succeeds, so guessing in parallel gains nothing (NIST SP 800-63B-4 §3.2.2).
import { DurableObject } from 'cloudflare:workers'
import { hashPassword, type PasswordVerdict, verifyPassword } from '../../crypto/password-hash.ts'
import { parseSecretKeys } from '../../crypto/seal.ts'
import { openFailures } from './failures.ts'
import { createQueue, rest } from './queue.ts'

export interface PasswordAttempt {
  /** HMAC of the normalised login name. */
  name: string
  /** Id of a browser that has signed in to this login name before. */
  device?: string | undefined
  /** The IPv4 address or IPv6 network that the guess comes from. */
  address: string
  password: string
  /** PHC string. `null` if no user has the name, or the user may not sign in by password. */
  passwordHash: string | null
  /** Milliseconds. */
  now: number
  /** Provider settings; `guess_window` in seconds. */
  limits: { guesses_per_name: number; guess_window: number; guesses_per_address: number }
}

/** `locked`: the guess was not evaluated, and none will be before `retryAt` (milliseconds). `busy`: it was not evaluated; the user may try again. */
export type PasswordAnswer =
  | { outcome: 'match'; newHash?: string }
  | { outcome: 'mismatch'; fault?: 'unreadable' }
  | { outcome: 'locked'; retryAt: number }
  | { outcome: 'busy' }

const addressWindow = 60_000

interface Guess {
  /** The key it is counted under: the name, or the name and the device, which has an allowance of its own. */
  key: string
  address: string
  at: number
}

export class LoginGuard extends DurableObject<Env> {
  private readonly pepper = parseSecretKeys(this.env.PEPPER) ?? []
  private readonly queue = createQueue()
  private readonly inFlight = new Set<Guess>()
  private readonly failures = openFailures(this.ctx.storage.sql, (dropAt) => this.wake(dropAt))
  private hasAlarm = false

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    ctx.blockConcurrencyWhile(async () => {
      this.hasAlarm = (await ctx.storage.getAlarm()) !== null
    })
  }

  /** Stores nothing of the password. Every evaluated guess costs one hash, and a wrong one writes one row. */
  async check(attempt: PasswordAttempt): Promise<PasswordAnswer> {
    const key = attempt.device === undefined ? attempt.name : `${attempt.name} ${attempt.device}`
    const guess: Guess = { key, address: attempt.address, at: attempt.now }
    const retryAt = this.lockedUntil(guess, attempt)
    if (retryAt !== undefined) return { outcome: 'locked', retryAt }
    if (this.isExhausted(guess, attempt)) return { outcome: 'busy' }

    const line = attempt.device === undefined ? 'anonymous' : 'device'
    const answer = this.queue.enter(line, attempt.name, () => this.evaluate(guess, attempt))
    if (!answer) return { outcome: 'busy' }
    this.inFlight.add(guess)
    return answer
  }

  override async alarm(): Promise<void> {
    this.hasAlarm = false
    const next = this.failures.purge(Date.now())
    if (next !== undefined) this.wake(next)
  }

  private async evaluate(guess: Guess, attempt: PasswordAttempt): Promise<PasswordAnswer> {
    const keepFor = Math.max(attempt.limits.guess_window * 1000, addressWindow)
    let verdict: PasswordVerdict = 'mismatch'
    try {
      verdict = await verifyPassword(attempt.password, attempt.passwordHash ?? undefined, this.pepper)
    } finally {
      this.inFlight.delete(guess)
      if (isMatch(verdict)) this.failures.forgive(guess, keepFor)
      else this.failures.record(guess, keepFor)
    }
    if (verdict === 'match') return { outcome: 'match' }
    if (verdict === 'mismatch') return { outcome: 'mismatch' }
    if (verdict === 'unreadable') return { outcome: 'mismatch', fault: 'unreadable' }
    await rest()
    return { outcome: 'match', newHash: await hashPassword(attempt.password, this.pepper) }
  }

  /** The lock ends when the oldest counted failure leaves the window. A refused guess does not extend it. */
  private lockedUntil(guess: Guess, { limits, device }: PasswordAttempt): number | undefined {
    const window = limits.guess_window * 1000
    const ofName = this.failures.ofKey(guess.key, guess.at - window).at(-limits.guesses_per_name)
    // A known device is not limited by failures of other browsers behind the same address.
    const ofAddress =
      device === undefined
        ? this.failures.ofAddress(guess.address, guess.at - addressWindow).at(-limits.guesses_per_address)
        : undefined
    if (ofName === undefined) return ofAddress && ofAddress + addressWindow
    return Math.max(ofName + window, ofAddress === undefined ? 0 : ofAddress + addressWindow)
  }

  /** Whether the guesses in flight would use up the allowance if all of them were wrong. */
  private isExhausted(guess: Guess, { limits, device }: PasswordAttempt): boolean {
    const flying = [...this.inFlight]
    const ofName = this.failures.ofKey(guess.key, guess.at - limits.guess_window * 1000).length
    if (ofName + flying.filter((each) => each.key === guess.key).length >= limits.guesses_per_name) return true
    if (device !== undefined) return false
    const ofAddress = this.failures.ofAddress(guess.address, guess.at - addressWindow).length
    return ofAddress + flying.filter((each) => each.address === guess.address).length >= limits.guesses_per_address
  }

  private wake(at: number): void {
    if (this.hasAlarm) return
    this.hasAlarm = true
    void this.ctx.storage.setAlarm(at)
  }
}

const isMatch = (verdict: PasswordVerdict): boolean => verdict === 'match' || verdict === 'match-rehash'
