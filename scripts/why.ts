// npm run why -- REQUEST_ID [--remote [URL]]: why a request was refused, and what to change.
import { findOperator, parseArguments, Refusal, run } from './operator.ts'

const text = (value: unknown): string => (value === undefined ? '–' : String(value))

await run(async () => {
  const { remote, rest } = parseArguments(process.argv.slice(2))
  const [requestId] = rest
  if (!requestId || rest.length > 1) throw new Refusal('Usage: npm run why -- REQUEST_ID [--remote [URL]]')
  const { issuer, request } = findOperator(remote)
  const { status, body } = await request('GET', `refusals/${encodeURIComponent(requestId)}`)
  if (status !== 200 || !body) {
    throw new Refusal(
      `${issuer} keeps no refusal with the request id ${requestId}.\n` +
        'Refusals are kept for 24 hours, and only the newest of each client; the log has one line for every request.',
    )
  }
  console.log(`${text(body.code)}: ${text(body.description)}
  when      ${text(body.at)}
  where     ${text(body.endpoint)}
  client    ${body.client_id === undefined ? 'a stranger' : text(body.client_id)}
  check     ${text(body.check)}
  expected  ${text(body.expected)}
  came      ${text(body.received)}
  change    ${text(body.fix)}`)
})
