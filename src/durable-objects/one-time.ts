import { DurableObject } from 'cloudflare:workers'

export class OneTime extends DurableObject<Env> {}
