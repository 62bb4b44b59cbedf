// npm run why -- REQUEST_ID [--remote [URL]]: explains why a request was refused or a sign-in at an external provider failed, and what to change.
import { findOperator, type Operator, parseArguments, Refusal, run } from './operator.ts'

const text = (value: unknown): string => (value === undefined || value === null ? '–' : String(value))

await run(async () => {
  const { remote, rest } = parseArguments(process.argv.slice(2))
  const [requestId] = rest
  if (!requestId || rest.length > 1) throw new Refusal('Usage: npm run why -- REQUEST_ID [--remote [URL]]')
  const operator = findOperator(remote)
  const explanation = (await refusal(operator, requestId)) ?? (await loginAttempt(operator, requestId))
  if (explanation === undefined) {
    throw new Refusal(
      `${operator.issuer} has no refusal with the request id ${requestId}.\n` +
        'Refusals are kept for 24 hours, and only the newest ones of each client. The log has one line for every request.',
    )
  }
  console.log(explanation)
})

async function refusal({ request }: Operator, requestId: string): Promise<string | undefined> {
  const { status, body } = await request('GET', `refusals/${encodeURIComponent(requestId)}`)
  if (status !== 200 || !body) return undefined
  return `${text(body.code)}: ${text(body.description)}
  when      ${text(body.at)}
  where     ${text(body.endpoint)}
  client    ${body.client_id === undefined ? 'unknown' : text(body.client_id)}
  check     ${text(body.check)}
  expected  ${text(body.expected)}
  received  ${text(body.received)}
  change    ${text(body.fix)}`
}

async function loginAttempt({ request }: Operator, requestId: string): Promise<string | undefined> {
  const { status, body } = await request('GET', `login-attempts?request_id=${encodeURIComponent(requestId)}`)
  const [attempt] = (status === 200 && (body?.items as Record<string, unknown>[])) || []
  if (!attempt) return undefined
  return `${text(attempt.outcome)} at step ${text(attempt.step)}: ${text(attempt.cause)}
  when      ${text(attempt.at)}
  provider  ${text(attempt.provider_id)}
  user      ${text(attempt.user_id)}
  check     ${text(attempt.check_name)}
  change    ${text(attempt.fix)}
  claims    GET login-attempts/${text(attempt.id)} in the administration API`
}
