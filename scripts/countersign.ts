#!/usr/bin/env node
// npx countersign COMMAND. npx puts node_modules/.bin first in PATH, so this runs on the checkout's own Node, whatever the host has installed.
import { runKeyCommand } from './key-command.ts'
import { Refusal, run } from './operator.ts'

const usage =
  'Usage: npx countersign key list | export | import FILE | rotate | retire KID   (docs/signing-certificate.md)'
const [command, ...rest] = process.argv.slice(2)

await run(async () => {
  if (command !== 'key') throw new Refusal(usage)
  await runKeyCommand(rest)
})
