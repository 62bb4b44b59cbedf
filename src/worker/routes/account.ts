// Rows of the pages: start page, account, and the steps of a sign-in.
import { account, home, signOut } from '../../interaction/account/account.ts'
import { consent, showConsent } from '../../interaction/steps/consent.ts'
import { login, showLogin } from '../../interaction/steps/login.ts'
import { selectAccount, showAccounts } from '../../interaction/steps/select-account.ts'
import { paths } from '../../request/addresses.ts'
import type { Route } from '../../request/route.ts'
import { page } from './rows.ts'

export const accountRoutes: readonly Route[] = [
  page(paths.login, { GET: showLogin, POST: login }),
  page(paths.consent, { GET: showConsent, POST: consent }),
  page(paths.selectAccount, { GET: showAccounts, POST: selectAccount }),
  page(paths.account, { GET: account }),
  page(paths.signOut, { POST: signOut }),
  page(paths.home, { GET: home, HEAD: home }),
]
