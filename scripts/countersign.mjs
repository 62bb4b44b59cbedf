#!/usr/bin/env node
// npx countersign COMMAND: starts the command on the Node of this checkout, whichever one started us.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'

const usage = `Usage: npx countersign key list | export | import FILE | rotate | retire KID   (docs/signing-certificate.md)
`
const [command, ...rest] = process.argv.slice(2)
const node = path.join(import.meta.dirname, '..', 'node_modules', 'node', 'bin', 'node')

if (command !== 'key') {
  process.stderr.write(usage)
  process.exitCode = 1
} else {
  const script = path.join(import.meta.dirname, 'key-command.ts')
  const runtime = existsSync(node) ? node : process.execPath
  const { status } = spawnSync(runtime, [script, ...rest], { stdio: 'inherit' })
  process.exitCode = status ?? 1
}
