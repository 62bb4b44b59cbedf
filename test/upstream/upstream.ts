// What the real OpenID Providers of these tests have in common: Countersign is their client, people sign in at them.
import { aBrowser, type Browser, redirectOf } from '../user-agent.ts'

/** What an upstream knows of its client. */
export interface Registration {
  redirectUris: string[]
  postLogoutUris?: string[]
  /** Where it posts its logout tokens. */
  backchannelLogoutUri?: string
}

export interface Person {
  login: string
  password: string
  /** As they stand in the ID token or userinfo; `sub` is the upstream's own. */
  claims: { email: string; email_verified: boolean; given_name: string; family_name: string; groups: string[] }
}

export interface Upstream {
  issuer: string
  metadata_endpoint: string
  client_id: string
  client_secret: string
  users: Person[]
  /** A browser that knows only this provider; the person's session is in it. */
  browser(): Browser
  /** Opens an authorization request and signs this person in where the form comes. Where the provider sends the browser. */
  signIn(browser: Browser, url: string | URL, person: Person): Promise<URL>
  /** Opens an end_session request and confirms it if asked. Where the provider sends the browser. */
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

/** The parts that each upstream has alike, its pages being plain forms without script. */
export function browsing(issuer: string) {
  return {
    browser: () => aBrowser(issuer),
    signIn: (browser: Browser, url: string | URL, { login, password }: Person) =>
      passPages(browser, url, { username: login, password }),
    signOut: (browser: Browser, url: string | URL) => passPages(browser, url, {}),
  }
}

/** Sends each form that comes, the one for the password with these fields, until the browser is sent elsewhere. */
async function passPages(browser: Browser, url: string | URL, fields: Record<string, string>): Promise<URL> {
  let page = await browser.open(url)
  for (let forms = 0; forms < 4 && !page.headers.has('location'); forms += 1) {
    page = await browser.submit(page, page.html.includes('name="password"') ? fields : {})
  }
  if (!page.headers.has('location'))
    throw new Error(`${page.url} leads nowhere: ${page.status} ${page.html.slice(0, 4000)}`)
  return redirectOf(page)
}
