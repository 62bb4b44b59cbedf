import { DurableObject } from 'cloudflare:workers'

export class LoginGuard extends DurableObject<Env> {}
