// External providers that people sign in with: written, read, deleted. Live at once here, within ten seconds everywhere.
import { readProvider } from '../brokering/reload.ts'
import type { RequestContext } from '../context.ts'
import { utf8 } from '../crypto/encoding.ts'
import type { IdentityProvider } from '../protocol/identity-provider.ts'
import {
  deleteIdentityProvider,
  findIdentityProvider,
  listIdentityProviders,
  saveIdentityProvider,
} from '../storage/identity-providers.ts'
import { commit, read } from './commit.ts'
import {
  type IdentityProviderBody,
  identityProviderAnswer,
  identityProviderBody,
  providerKey,
  shownProvider,
} from './identity-provider-fields.ts'
import { mergeProvider, newProvider } from './identity-provider-record.ts'
import { changedFields, found, parseKey } from './record.ts'
import { type AdminRoute, done, ok, page, pageOf, route, saved } from './route.ts'

export const identityProviderRoutes: AdminRoute[] = [
  route({
    method: 'GET',
    path: 'identity-providers',
    summary: 'List external providers',
    isPaged: true,
    answer: pageOf(identityProviderAnswer),
    async handle(call, context) {
      const rows = await read(context, (db) => listIdentityProviders(db, call.page.after, call.page.limit))
      return page(call.page, rows.map(shownProvider), (row) => row.provider_id)
    },
  }),
  route({
    method: 'GET',
    path: 'identity-providers/{provider_id}',
    summary: 'Read an external provider',
    answer: identityProviderAnswer,
    async handle(call, context) {
      return ok(shownProvider(found(await read(context, (db) => findIdentityProvider(db, call.params.provider_id)))))
    },
  }),
  route({
    method: 'PUT',
    path: 'identity-providers/{provider_id}',
    summary: 'Create or update an external provider',
    body: identityProviderBody,
    answer: identityProviderAnswer,
    async handle(call, context) {
      const id = parseKey('provider_id', providerKey, call.params.provider_id)
      const stored = await read(context, (db) => findIdentityProvider(db, id))
      const next = await planProvider(id, call.body, stored, context)
      await save(stored, next, context)
      return saved(shownProvider(next), !stored)
    },
  }),
  route({
    method: 'DELETE',
    path: 'identity-providers/{provider_id}',
    summary: 'Delete an external provider',
    async handle(call, context) {
      const { provider_id } = found(await read(context, (db) => findIdentityProvider(db, call.params.provider_id)))
      await commit(context, {
        action: 'identity-provider.delete',
        target: provider_id,
        concerns: [{ kind: 'identity-provider' }],
        statements: (db) => [deleteIdentityProvider(db, provider_id)],
      })
      return done
    },
  }),
]

/** The state that a PUT asks for. Throws a Problem that names every faulty field. */
async function planProvider(
  id: string,
  body: IdentityProviderBody,
  stored: IdentityProvider | undefined,
  context: RequestContext,
): Promise<IdentityProvider> {
  const planned = mergeProvider(stored ?? newProvider(id, body, context.now), body)
  planned.sealed_client_secret = await sealedSecret(body.client_secret, planned.sealed_client_secret, context)
  return mustBeRead(stored, planned) ? { ...planned, ...(await readProvider(context, planned)) } : planned
}

function mustBeRead(stored: IdentityProvider | undefined, next: IdentityProvider): boolean {
  return next.kind === 'openid' && stored?.metadata_endpoint !== next.metadata_endpoint
}

/** The same secret again is no change. */
async function sealedSecret(
  typed: string | null | undefined,
  stored: string | null,
  context: RequestContext,
): Promise<string | null> {
  if (typed === undefined || typed === null) return typed === null ? null : stored
  const { keyWrapper } = context.settings
  const opened = stored === null ? undefined : await keyWrapper.open('provider-secret', stored)
  if (stored !== null && opened && new TextDecoder().decode(opened) === typed) return stored
  return keyWrapper.seal('provider-secret', utf8(typed))
}

async function save(
  stored: IdentityProvider | undefined,
  next: IdentityProvider,
  context: RequestContext,
): Promise<void> {
  const fields = changedFields(stored, next)
  if (fields.length === 0) return
  next.updated_at = context.now
  await commit(context, {
    action: stored ? 'identity-provider.update' : 'identity-provider.create',
    target: next.provider_id,
    detail: { fields },
    concerns: [{ kind: 'identity-provider' }],
    statements: (db) => [saveIdentityProvider(db, next)],
  })
}
