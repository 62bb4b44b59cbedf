// Shows what a sign-in would do, by the code of a real sign-in without its last step, so that administrators can try their rules.
import * as z from 'zod/mini'
import { dryRun } from '../../brokering/provisioning/dry-run.ts'
import type { ExternalProvider, UpstreamLogin } from '../../model/external-provider.ts'
import { badRequest, notFound } from '../../model/problems.ts'
import { read } from '../../request/commit.ts'
import type { RequestContext } from '../../request/context.ts'
import { findLastClaims } from '../../storage/login-attempts.ts'
import { fieldChange } from './login-attempts.ts'

export const dryRunBody = z.strictObject({
  claims: z.optional(z.record(z.string(), z.unknown())),
  issuer: z.optional(z.string()),
  subject: z.optional(z.string()),
})

export const dryRunAnswer = z.object({
  outcome: z.enum(['signs_in', 'creates', 'refuses']),
  user_id: z.nullable(z.string()),
  cause: z.nullable(z.string()),
  fix: z.nullable(z.string()),
  changes: z.array(fieldChange),
})

type Login = Pick<UpstreamLogin, 'issuer' | 'subject' | 'claims'>

export async function previewSignIn(
  context: RequestContext,
  provider: ExternalProvider,
  body: z.output<typeof dryRunBody>,
): Promise<z.input<typeof dryRunAnswer>> {
  const login = body.claims ? statedLogin(provider, body.claims, body) : await lastLogin(context, provider, body)
  return dryRun(context, provider, login)
}

/** Claims that a real response states itself. */
function statedLogin({ kind, metadata }: ExternalProvider, claims: Login['claims'], stated: Partial<Login>): Login {
  const { iss, sub, id } = claims
  const named = kind === 'openid' ? sub : (sub ?? id)
  const subject = stated.subject ?? (typeof named === 'string' || typeof named === 'number' ? String(named) : undefined)
  if (subject === undefined)
    throw badRequest('Whose claims are these?', { subject: 'is missing: the claims have no sub' })
  const issuer = stated.issuer ?? (typeof iss === 'string' ? iss : (metadata?.issuer ?? ''))
  return { issuer, subject, claims: { ...claims, iss: issuer, sub: subject } }
}

async function lastLogin(context: RequestContext, provider: ExternalProvider, stated: Partial<Login>): Promise<Login> {
  const last = await read(context, (db) => findLastClaims(db, provider))
  if (!last?.claims) throw notFound('No sign-in by this provider has brought claims yet: state them')
  const { issuer, subject, claims } = last
  return statedLogin(provider, claims, { ...(issuer ? { issuer } : {}), ...(subject ? { subject } : {}), ...stated })
}
