// Prevents a lock-out: without local accounts, an external provider must work (SECURITY-CASES D12).

import type { ExternalProvider } from '../../model/external-provider.ts'
import { defaultSettings } from '../../model/settings.ts'
import { read } from '../../request/commit.ts'
import type { RequestContext } from '../../request/context.ts'
import { listExternalProviders } from '../../storage/external-providers.ts'
import { hasSignedIn } from '../../storage/login-attempts.ts'
import { findSettings } from '../../storage/settings.ts'
import { readProvider } from './reload-providers.ts'

/** The administration API needs no sign-in, so it is the way back. */
const recoveryAdvice =
  'PATCH settings with {"allow_local_accounts": true} brings local accounts back, with OPERATOR_TOKEN and no sign-in (docs/operations.md)'

/** Returns why a provider must stay; undefined if users can sign in without it. */
export async function lockoutFault(context: RequestContext, providerId: string): Promise<string | undefined> {
  const { allow_local_accounts = defaultSettings.allow_local_accounts } = await read(context, findSettings)
  if (allow_local_accounts || (await hasWorkingProvider(context, providerId))) return undefined
  return `is the last one that works, and local accounts are off: allow them first. ${recoveryAdvice}`
}

/** Returns why local accounts must stay; undefined if users can sign in without them. */
export async function localAccountsFault(context: RequestContext): Promise<string | undefined> {
  if (await hasWorkingProvider(context)) return undefined
  const needed =
    'needs an enabled external provider whose metadata can be read, or of kind oauth2 by which somebody has signed in'
  return `${needed}, or nobody could sign in. The way back: ${recoveryAdvice}`
}

/** Whether users can sign in by an external provider now. */
async function hasWorkingProvider(context: RequestContext, except?: string): Promise<boolean> {
  const all = await read(context, (db) => listExternalProviders(db, '', mostProviders))
  const candidates = all.filter((provider) => provider.enabled && provider.provider_id !== except)
  const verdicts = await Promise.all(candidates.map((provider) => works(context, provider)))
  return verdicts.includes(true)
}

const mostProviders = 100

/** A provider of kind oauth2 publishes nothing to read, so a past sign-in is the evidence. */
async function works(context: RequestContext, provider: ExternalProvider): Promise<boolean> {
  if (provider.kind === 'oauth2') return read(context, (db) => hasSignedIn(db, provider))
  const { metadata_fault } = await readProvider(context, provider)
  return metadata_fault === null
}
