// The common interface of the real OpenID Providers in these tests: Countersign is their client, and people sign in with them.
import { aBrowser, type Browser, redirectOf } from '../user-agent.ts'

/** The addresses that an upstream stores for its client. */
export interface Registration {
  redirectUris: string[]
  postLogoutUris?: string[]
  /** The address to which the upstream posts logout tokens. */
  backchannelLogoutUri?: string
}

export interface Person {
  login: string
  password: string
  /** As in the ID token or userinfo. The upstream chooses `sub` itself. */
  claims: { email: string; email_verified: boolean; given_name: string; family_name: string; groups: string[] }
}

export interface Upstream {
  issuer: string
  metadata_endpoint: string
  client_id: string
  client_secret: string
  users: Person[]
  /** A new browser for this provider, which keeps the person's session there. */
  browser(): Browser
  /** Opens an authorization request and signs the person in if a form is shown. Returns the redirect. */
  signIn(browser: Browser, url: string | URL, person: Person): Promise<URL>
  /** Opens an end_session request and confirms it if asked. Returns the redirect. */
  signOut(browser: Browser, url: string | URL): Promise<URL>
  stop(): Promise<void>
}

export const ada: Person = {
  login: 'ada',
  password: 'correct horse battery staple',
  claims: {
    email: 'ada@example.test',
    email_verified: true,
    given_name: 'Ada',
    family_name: 'Example',
    groups: ['engineers', 'staff'],
  },
}
export const bob: Person = {
  login: 'bob',
  password: 'staple battery horse correct',
  claims: {
    email: 'bob@example.test',
    email_verified: true,
    given_name: 'Bob',
    family_name: 'Sample',
    groups: ['staff'],
  },
}
export const people = [ada, bob]
export const groups = ['engineers', 'staff']

export const clientId = 'countersign'

/** The browser methods of an upstream. All of them have pages with plain forms. */
export function browsing(issuer: string) {
  return {
    browser: () => aBrowser(issuer),
    signIn: (browser: Browser, url: string | URL, { login, password }: Person) =>
      passPages(browser, url, { username: login, password }),
    signOut: (browser: Browser, url: string | URL) => passPages(browser, url, {}),
  }
}

/** Submits each form, that for the password with these fields, until the browser is redirected elsewhere. */
async function passPages(browser: Browser, url: string | URL, fields: Record<string, string>): Promise<URL> {
  let page = await browser.open(url)
  for (let forms = 0; forms < 4 && !page.headers.has('location'); forms += 1) {
    page = await browser.submit(page, page.html.includes('name="password"') ? fields : {})
  }
  if (!page.headers.has('location')) {
    throw new Error(`${page.url} does not redirect: ${page.status} ${page.html.slice(0, 4000)}`)
  }
  return redirectOf(page)
}
