// Worker entry.
import { handle } from './worker/handle.ts'
import { runMaintenance } from './worker/scheduled.ts'

export { LoginGuard } from './authentication/login-guard/login-guard.ts'
export { OneTime } from './grants/one-time/one-time.ts'
export { Subject } from './grants/subject/subject.ts'
export { KeyRing } from './signing-keys/key-ring/key-ring.ts'

export default {
  fetch: handle,
  scheduled: (_, env) => runMaintenance(env, Date.now()),
} satisfies ExportedHandler<Env>
