export { KeyRing } from './durable-objects/key-ring.ts'
export { LoginGuard } from './durable-objects/login-guard.ts'
export { OneTime } from './durable-objects/one-time.ts'
export { Subject } from './durable-objects/subject.ts'

export default { fetch: () => new Response('not yet', { status: 503 }) } satisfies ExportedHandler<Env>
