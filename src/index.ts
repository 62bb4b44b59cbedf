// Worker entry.
import { handle } from './handle.ts'
import { tidyUp } from './scheduled.ts'

export { KeyRing } from './durable-objects/key-ring.ts'
export { LoginGuard } from './durable-objects/login-guard.ts'
export { OneTime } from './durable-objects/one-time.ts'
export { Subject } from './durable-objects/subject.ts'

export default {
  fetch: handle,
  scheduled: (_, env) => tidyUp(env, Date.now()),
} satisfies ExportedHandler<Env>
