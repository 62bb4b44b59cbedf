// Routes of external providers: write, read, delete, reload, preview. A change is live at once in this isolate and within ten seconds everywhere.
import * as z from 'zod/mini'
import {
  planProvider,
  reloadProvider,
  removeProvider,
  saveProvider,
} from '../../brokering/record/external-provider-changes.ts'
import { presetNames, presets } from '../../brokering/record/presets.ts'
import { read } from '../../request/commit.ts'
import { findExternalProvider, listExternalProviders } from '../../storage/external-providers.ts'
import { type AdminRoute, done, ok, page, pageOf, route, saved } from '../admin-route.ts'
import { found, parseKey } from '../record-key.ts'
import {
  externalProviderAnswer,
  externalProviderBody,
  providerKey,
  serialiseProvider,
} from './external-provider-fields.ts'
import { dryRunAnswer, dryRunBody, previewSignIn } from './sign-in-preview.ts'

export const externalProviderRoutes: AdminRoute[] = [
  route({
    method: 'GET',
    path: 'identity-providers',
    summary: 'List external providers',
    isPaged: true,
    answer: pageOf(externalProviderAnswer),
    async handle(context, call) {
      const rows = await read(context, (db) => listExternalProviders(db, call.page.after, call.page.limit))
      return page(call.page, rows.map(serialiseProvider), (row) => row.provider_id)
    },
  }),
  route({
    method: 'GET',
    path: 'identity-providers/{provider_id}',
    summary: 'Read an external provider',
    answer: externalProviderAnswer,
    async handle(context, call) {
      return ok(
        serialiseProvider(found(await read(context, (db) => findExternalProvider(db, call.params.provider_id)))),
      )
    },
  }),
  route({
    method: 'PUT',
    path: 'identity-providers/{provider_id}',
    summary: 'Create or update an external provider',
    description:
      'Fields that are left out keep their value; null clears one. The client secret is never read back. Of kind openid, the metadata and the ' +
      'keys are read at creation and when their address changes: an enabled provider is refused when they cannot be read or trusted, a disabled ' +
      'one is kept with its `metadata_fault`. Of kind oauth2, `endpoints` states what nothing else says. `preset` fills in, at creation, what ' +
      'the body leaves out. A claim that a rule names is added to `claims`.',
    body: externalProviderBody,
    answer: externalProviderAnswer,
    async handle(context, call) {
      const id = parseKey('provider_id', providerKey, call.params.provider_id)
      const stored = await read(context, (db) => findExternalProvider(db, id))
      const next = await planProvider(context, id, call.body, stored)
      await saveProvider(context, stored, next)
      return saved(serialiseProvider(next), !stored)
    },
  }),
  route({
    method: 'DELETE',
    path: 'identity-providers/{provider_id}',
    summary: 'Delete an external provider',
    description:
      'Its sessions and grants no longer count. The users stay, and so do their links: a later provider that says the same `sub` is not taken for it.',
    async handle(context, call) {
      await removeProvider(
        context,
        found(await read(context, (db) => findExternalProvider(db, call.params.provider_id))),
      )
      return done
    },
  }),
  route({
    method: 'POST',
    path: 'identity-providers/{provider_id}/reload',
    summary: 'Read the metadata and the keys of an external provider again',
    description:
      'New claims are added to `claims`; none is dropped, and the requested scopes stay. When the reading fails, `metadata_fault` says why and ' +
      'what was known stays in use. The provider does the same by itself every six hours.',
    answer: externalProviderAnswer,
    async handle(context, call) {
      const stored = found(await read(context, (db) => findExternalProvider(db, call.params.provider_id)))
      await reloadProvider(context, stored)
      return ok(serialiseProvider(found(await read(context, (db) => findExternalProvider(db, stored.provider_id)))))
    },
  }),
  route({
    method: 'POST',
    path: 'identity-providers/{provider_id}/dry-run',
    summary: 'Show what a sign-in with given claims would do',
    description:
      'Field by field, and why; nothing is changed. Without `claims`: those that the last sign-in brought, whatever became of it.',
    body: dryRunBody,
    answer: dryRunAnswer,
    async handle(context, call) {
      const provider = found(await read(context, (db) => findExternalProvider(db, call.params.provider_id)))
      return ok(await previewSignIn(context, provider, call.body))
    },
  }),
  route({
    method: 'GET',
    path: 'identity-provider-presets',
    summary: 'List what is known of well-known providers',
    answer: z.object({ items: z.array(z.looseObject({ preset: z.enum(presetNames), name: z.string() })) }),
    async handle() {
      return ok({ items: presetNames.map((preset) => ({ preset, ...presets[preset] })) })
    },
  }),
]
