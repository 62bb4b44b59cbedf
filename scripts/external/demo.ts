// `npm run demo:external`: two instances of Countersign on loopback, of which one is the other's external provider. Ends with Ctrl-C.
import '../clean-environment.ts'

import { startExternalDemo } from './external.ts'

console.log('Starting Contoso, where people are known, and an instance where they sign in by it …')
const { contoso, here, person, stop } = await startExternalDemo()
const lines: [string, string][] = [
  ['Sign in', `${here.issuer}/playground/ → Sign in → Sign in with Contoso`],
  ['At Contoso as', `${person.username}   with password   ${person.password}`],
  ['Contoso', contoso.issuer],
  [
    'What came of it',
    `curl -s -H 'Authorization: Bearer ${here.secrets.OPERATOR_TOKEN}' ${here.issuer}/admin/api/login-attempts`,
  ],
]
for (const [name, value] of lines) console.log(`${name.padEnd(16)} ${value}`)
console.log('\nCtrl-C ends both; nothing is kept.')

let isEnding = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, async () => {
    if (isEnding) return
    isEnding = true
    await stop()
    process.exit(0)
  })
}
// Nothing else keeps the process.
setInterval(() => undefined, 60_000)
