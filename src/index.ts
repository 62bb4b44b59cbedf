// Worker entry.
import { handle } from './handle.ts'
import { dropOldChanges } from './storage/configuration.ts'

export { KeyRing } from './durable-objects/key-ring.ts'
export { LoginGuard } from './durable-objects/login-guard.ts'
export { OneTime } from './durable-objects/one-time.ts'
export { Subject } from './durable-objects/subject.ts'

const week = 7 * 24 * 3_600_000

export default {
  fetch: handle,
  scheduled: (_, env) => dropOldChanges(env.DB, Date.now() - week),
} satisfies ExportedHandler<Env>
