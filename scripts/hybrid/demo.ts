// `npm run demo:hybrid`: starts three servers on loopback that sign with one certificate, and rotates it under load. Exit code 1 if any token fails.
import '../clean-environment.ts'

import { runHybrid } from './hybrid.ts'

const startedAt = Date.now()
const say = (line: string) =>
  console.log(`${String(Math.round((Date.now() - startedAt) / 1000)).padStart(3)} s  ${line}`)

say('starting a vault and two instances of Countersign')
const { verifications, failures, verifiedByPfx } = await runHybrid({ calm: 5000, pause: 100, say })
for (const failure of failures.slice(0, 10)) say(failure)
say(
  `${verifications} verifications (${verifiedByPfx} by the third server with its own PFX), ${failures.length} failures`,
)
process.exit(failures.length > 0 || verifications === 0 ? 1 : 0)
