// One filled-in example of every page, for the tests and for looking at them.
import { type AccountPage, renderAccount, renderSignedOut } from '../../src/pages/account.tsx'
import { type ConsentPage, renderConsent } from '../../src/pages/consent.tsx'
import { type ErrorPage, renderError } from '../../src/pages/error.tsx'
import { type ExternalProblemPage, renderExternalProblem } from '../../src/pages/external-problem.tsx'
import { type FormPostPage, renderFormPost } from '../../src/pages/form-post.tsx'
import { renderHome } from '../../src/pages/home.tsx'
import type { Locale, PageFrame } from '../../src/pages/layout.tsx'
import { type LoginPage, type ProviderButton, renderLogin } from '../../src/pages/login.tsx'
import { renderSelectAccount, type SelectAccountPage } from '../../src/pages/select-account.tsx'

export const nonce = 'bm9uY2U'

export function aFrame(locale: Locale = 'en', product = 'Countersign'): PageFrame {
  return { locale, nonce, requestId: '7f3a9c2e51d04b68', product }
}

export const aClient = {
  client_name: 'Meridian Planning',
  client_uri: 'https://meridian.example',
  logo_uri: null,
  policy_uri: 'https://meridian.example/privacy',
  tos_uri: 'https://meridian.example/terms',
}

export const aLogin = (frame: PageFrame): LoginPage => ({
  frame,
  action: '/account/login',
  interaction: 'sealed',
  username: '',
  remember: false,
  client: aClient,
  hasLocal: true,
  providers: [],
  externalAction: '/external/start',
  mayRememberChoice: false,
})

export const aProvider = (name: string, more: Partial<ProviderButton> = {}): ProviderButton => ({
  provider_id: name.toLowerCase().replaceAll(/[^a-z]+/g, '-'),
  name,
  text: `Sign in with ${name}`,
  ...more,
})

/** With and without icon, and named in all sorts of ways. */
export const someProviders = [
  aProvider('Contoso', { icon: '/external/icon?provider=contoso&for=sign-in&v=1' }),
  aProvider('Meridian Health', { provider_id: 'meridian' }),
  aProvider('GitHub', { icon: '/external/icon?provider=github&for=sign-in&v=1' }),
]

const manyProviders = [
  ...someProviders,
  aProvider('شركة الأفق', { provider_id: 'ufuq', text: 'تسجيل الدخول باستخدام شركة الأفق (الرياض)' }),
  aProvider('חברה', { provider_id: 'hevra' }),
  aProvider('Stadtwerke Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft', {
    provider_id: 'long',
  }),
  aProvider('Staff', {
    text: 'Staff and volunteers of the northern, the eastern and the overseas branches, with their card',
  }),
  aProvider('𝕄 University'),
  aProvider('Google'),
  aProvider('Entra ID'),
  aProvider('Okta'),
  aProvider('Facebook'),
]

/** Several ways to sign in. */
export const aLoginWithProviders = (frame: PageFrame): LoginPage => ({
  ...aLogin(frame),
  providers: someProviders,
  mayRememberChoice: true,
})

const withoutLocal = (frame: PageFrame): LoginPage => ({ ...aLoginWithProviders(frame), hasLocal: false })

export const anExternalProblem = (frame: PageFrame): ExternalProblemPage => ({
  frame,
  provider: 'Contoso',
  cause: 'denied',
  client: aClient,
  tryAgainHref: '/account/login?interaction=sealed',
})

export const aConsent = (frame: PageFrame): ConsentPage => ({
  frame,
  action: '/account/consent',
  interaction: 'sealed',
  shown: 'hash',
  client: aClient,
  user: 'Anna de Vries',
  items: [
    { scope: 'openid', claims: [], isNew: false },
    { scope: 'profile', claims: ['name', 'given_name', 'family_name', 'locale'], isNew: false },
    { scope: 'offline_access', claims: [], isNew: false },
    {
      scope: 'planning.read',
      title: 'Read the planning',
      description: 'Shifts, locations and colleagues of your teams.',
      claims: ['department'],
      isNew: true,
    },
  ],
  claims: ['phone_number', 'birthdate'],
})

export const aSelectAccount = (frame: PageFrame): SelectAccountPage => ({
  frame,
  action: '/account/select',
  interaction: 'sealed',
  shown: 'hash',
  client: aClient,
  user: 'Anna de Vries',
  username: 'anna',
})

export const anError = (frame: PageFrame): ErrorPage => ({
  frame,
  status: 400,
  code: 'invalid_request',
  description: 'redirect_uri is not registered for this client',
  action: { href: '/', label: 'home' },
})

export const aFormPost = (frame: PageFrame): FormPostPage => ({
  frame,
  action: 'https://rp.test/cb?tenant=1',
  parameters: { code: 'abc', state: 'xyz', iss: 'https://id.test' },
})

export const anAccount = (frame: PageFrame): AccountPage => ({
  frame,
  user: 'Anna de Vries',
  username: 'anna',
  email: 'anna@meridian.example',
  signOutAction: '/account/logout',
  signOut: { local: true },
})

export const anExternalAccount = (frame: PageFrame): AccountPage => ({
  ...anAccount(frame),
  provider: 'Contoso',
  signOut: { local: true, upstream: { ...aProvider('Contoso'), text: 'Sign out at Contoso too' } },
})

export const pages: Record<string, (frame: PageFrame) => string> = {
  login: (frame) => renderLogin(aLogin(frame)),
  'login-wrong': (frame) => renderLogin({ ...aLogin(frame), username: 'anna', problem: 'wrong_credentials' }),
  'login-locked': (frame) => renderLogin({ ...aLogin(frame), username: 'anna', problem: 'locked' }),
  'login-off': (frame) => renderLogin({ ...aLogin(frame), hasLocal: false, problem: 'no_way_in' }),
  'login-providers': (frame) => renderLogin(aLoginWithProviders(frame)),
  'login-providers-many': (frame) => renderLogin({ ...aLoginWithProviders(frame), providers: manyProviders }),
  'login-providers-only': (frame) => renderLogin(withoutLocal(frame)),
  'login-providers-only-many': (frame) => renderLogin({ ...withoutLocal(frame), providers: manyProviders }),
  'login-provider-single': (frame) =>
    renderLogin({ ...withoutLocal(frame), providers: someProviders.slice(1, 2), mayRememberChoice: false }),
  'login-narrowed': (frame) => renderLogin({ ...aLogin(frame), otherWaysHref: '/account/login?choose=1' }),
  'login-not-fresh': (frame) => renderLogin({ ...aLogin(frame), username: 'anna', problem: 'not_fresh' }),
  'login-plain': (frame) => renderLogin({ ...aLogin(frame), client: undefined }),
  consent: (frame) => renderConsent(aConsent(frame)),
  'select-account': (frame) => renderSelectAccount(aSelectAccount(frame)),
  error: (frame) => renderError(anError(frame)),
  'external-problem': (frame) => renderExternalProblem(anExternalProblem(frame)),
  'external-problem-unreachable': (frame) =>
    renderExternalProblem({
      ...anExternalProblem(frame),
      provider: 'شركة الأفق (الرياض)',
      cause: 'unreachable',
      client: undefined,
      otherWaysHref: '/account/login?choose=1',
    }),
  'form-post': (frame) => renderFormPost(aFormPost(frame)),
  account: (frame) => renderAccount(anAccount(frame)),
  'account-external': (frame) => renderAccount(anExternalAccount(frame)),
  'account-external-only': (frame) =>
    renderAccount({ ...anExternalAccount(frame), signOut: { ...anExternalAccount(frame).signOut, local: false } }),
  'signed-out-upstream': (frame) =>
    renderSignedOut({
      frame,
      signInHref: '/account',
      upstream: { provider: 'Contoso', href: 'https://contoso.example/logout' },
    }),
  'signed-out': (frame) => renderSignedOut({ frame, signInHref: '/account' }),
  home: (frame) =>
    renderHome({
      frame,
      issuer: 'https://id.example',
      signInHref: '/account/login',
      discoveryHref: '/.well-known/openid-configuration',
      playgroundHref: '/playground/',
    }),
}
