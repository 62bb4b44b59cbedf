// `npm run demo:external`: starts two instances of Countersign on loopback, one of which is the other's external provider. Ctrl-C ends both.
import '../clean-environment.ts'

import { startExternalDemo } from './external.ts'

console.log('Starting Contoso, which has the accounts, and an instance whose users sign in with Contoso …')
const { contoso, here, person, stop } = await startExternalDemo()
const lines: [string, string][] = [
  ['Sign in', `${here.issuer}/playground/ → Sign in → Sign in with Contoso`],
  ['At Contoso, as', `${person.username}   with password   ${person.password}`],
  ['Contoso', contoso.issuer],
  [
    'What happened',
    `curl -s -H 'Authorization: Bearer ${here.secrets.OPERATOR_TOKEN}' ${here.issuer}/admin/api/login-attempts`,
  ],
]
for (const [name, value] of lines) console.log(`${name.padEnd(16)} ${value}`)
console.log('\nCtrl-C ends both. Nothing is kept.')

let isEnding = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, async () => {
    if (isEnding) return
    isEnding = true
    await stop()
    process.exit(0)
  })
}
// Keeps the process alive; nothing else does.
setInterval(() => undefined, 60_000)
