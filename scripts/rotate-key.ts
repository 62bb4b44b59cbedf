// npm run rotate-key [-- --remote [URL]]: announces a successor of every signing key.
import { findOperator, type Problem, parseArguments, Refusal, run } from './operator.ts'

await run(async () => {
  const { remote } = parseArguments(process.argv.slice(2))
  const { issuer, request } = findOperator(remote)
  const { status, body } = await request('POST', 'keys/rotate')
  if (status !== 200 || !body) throw new Refusal(`${issuer}: ${(body as Problem)?.title ?? status}`)
  const isNew = body.outcome === 'announced'
  console.log(
    `${isNew ? 'A new key is announced' : 'A new key was already announced'}: it is published and will sign from ${body.activates_at}.\n` +
      'The old key stays published until the last token it signed has expired. Nothing else needs to be done.',
  )
  const keys = await request('GET', 'keys')
  for (const key of (keys.body?.items ?? []) as Record<string, string>[]) {
    console.log(`  ${key.state?.padEnd(9)} ${key.alg?.padEnd(5)} ${key.kid}`)
  }
})
