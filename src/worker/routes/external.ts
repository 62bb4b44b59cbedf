// Rows of sign-in by external providers: the way there and back, and what the providers call.
import { externalSignedOut } from '../../interaction/account/account.ts'
import { externalCallback } from '../../interaction/external/external-callback.ts'
import { externalLogin } from '../../interaction/external/external-login.ts'
import { providerIcon } from '../../interaction/external/provider-icon.ts'
import { backchannelLogout } from '../../logout/upstream-back-channel.ts'
import { providerIdPattern } from '../../model/external-provider.ts'
import { paths } from '../../request/addresses.ts'
import { type Route, route } from '../../request/route.ts'
import { form, noBody, page } from './rows.ts'

const where = { provider_id: providerIdPattern }

export const externalRoutes: readonly Route[] = [
  page(paths.externalLogin, { POST: externalLogin }),
  page(paths.externalCallback, { GET: externalCallback, POST: externalCallback }, where),
  page(paths.externalSignedOut, { GET: externalSignedOut }),
  route({
    path: paths.externalBackchannelLogout,
    where,
    handlers: { POST: backchannelLogout },
    errors: 'json',
    crossOrigin: 'none',
    body: form,
    query: 'strict',
  }),
  route({
    path: paths.providerIcon,
    handlers: { GET: providerIcon, HEAD: providerIcon },
    errors: 'json',
    crossOrigin: 'none',
    body: noBody,
    query: 'strict',
  }),
]
