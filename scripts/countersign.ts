#!/usr/bin/env node
// npx countersign COMMAND. npx puts node_modules/.bin first in PATH, so the Node of this checkout runs it, whichever one the host has.
import { runKeyCommand } from './key-command.ts'
import { Refusal, run } from './operator.ts'

const usage =
  'Usage: npx countersign key list | export | import FILE | rotate | retire KID   (docs/signing-certificate.md)'
const [command, ...rest] = process.argv.slice(2)

await run(async () => {
  if (command !== 'key') throw new Refusal(usage)
  await runKeyCommand(rest)
})
