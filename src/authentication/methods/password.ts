// Checks a password: first the rate limit of the address, then the LoginGuard of the login name (one hop).

import { base64url } from '../../crypto/encoding.ts'
import { networkOf } from '../../outbound/internet-address.ts'
import { innermost, type RequestContext } from '../../request/context.ts'
import { openDatabase } from '../../storage/database.ts'
import { updatePasswordHash } from '../../storage/password-hashes.ts'
import { askLoginGuard } from '../login-guard/ask-login-guard.ts'
import { loginNameKey } from '../login-name-key.ts'

export interface PasswordGuess {
  /** Normalised. */
  loginName: string
  password: string
  /** `null` if no user has the name, or the user may not sign in by password. The guard is called all the same. */
  passwordHash: string | null
  /** The result of `openDevice` for this browser's cookie. */
  device: string | undefined
}

/** `locked`: the guess was not evaluated, and none will be before `retryAt` (milliseconds). `busy`: it was not evaluated; the user may try again. */
export type PasswordCheck =
  | { outcome: 'match' }
  | { outcome: 'mismatch' }
  | { outcome: 'locked'; retryAt: number }
  | { outcome: 'busy' }

/** Period of the rate limit binding (wrangler.toml). */
const ratePeriod = 60_000

/** Known and unknown names take the same path, to the same cost (P03). One hop. */
export async function checkPassword(context: RequestContext, guess: PasswordGuess): Promise<PasswordCheck> {
  const { env, configuration, now } = context
  const network = networkOf(context.address)
  const { success } = await env.ANONYMOUS_RATE.limit({ key: `login:${guess.device ?? network}` })
  if (!success) return { outcome: 'locked', retryAt: now + ratePeriod }

  const name = loginNameKey(context, guess.loginName)
  const { guesses_per_name, guess_window, guesses_per_address } = configuration.settings
  const answer = await askLoginGuard(context, name[0] ?? 0, (guard) =>
    guard.check({
      name: base64url(name),
      device: guess.device,
      address: network,
      password: guess.password,
      passwordHash: guess.passwordHash,
      now,
      limits: { guesses_per_name, guess_window, guesses_per_address },
    }),
  )
  if (answer.outcome === 'mismatch') {
    // A stored hash that cannot be read is logged for the operator. The caller sees an ordinary mismatch.
    if (answer.fault) context.log({ password_hash: answer.fault })
    return { outcome: 'mismatch' }
  }
  if (answer.outcome !== 'match') return answer
  if (answer.newHash && guess.passwordHash) {
    const { newHash } = answer
    const updated = updatePasswordHash(openDatabase(env.DB), guess.loginName, guess.passwordHash, newHash)
    // The next sign-in tries again. The text of the failed query contains the hash, so it is not logged.
    context.waitUntil(updated.catch((fault) => warn(context, 'a password hash was not renewed', fault)))
  }
  return { outcome: 'match' }
}

function warn({ requestId }: RequestContext, message: string, fault: unknown): void {
  console.warn(JSON.stringify({ level: 'warn', message, request_id: requestId, fault: innermost(fault) }))
}
