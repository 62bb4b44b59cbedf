import { DurableObject } from 'cloudflare:workers'

export class Subject extends DurableObject<Env> {}
