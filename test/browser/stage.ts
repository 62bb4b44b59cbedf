// Sets the stage for browser tests: a provider reached as localhost, a browser, the site of a client, and the user Ada.

import type { BrowserContextOptions, Page } from 'playwright-core'
import { freePort } from '../../scripts/place.ts'
import { password, seedAda, seedClient, seedRobot } from '../flows/cast.ts'
import { type Provider, pkce, startProvider } from '../node/server.ts'
import { type ClientSite, openClientSite } from './client-site.ts'
import { receiveVisitors, type Visitor, type Visitors } from './visitors.ts'

export { password } from '../flows/cast.ts'

export interface Stage {
  provider: Provider
  site: ClientSite
  /** A new visitor who is not signed in. */
  visit: Visitors['visit']
  /** A new visitor, signed in as Ada. */
  visitAsAda(options?: BrowserContextOptions): Promise<Visitor>
  /** Ends all visits after a test: see Visitors. */
  leave: Visitors['leave']
  /** The address of an authorization request. */
  request(parameters?: Record<string, string>): string
  close(): Promise<void>
}

interface StageOptions {
  vars?: Record<string, string>
  /** See openClientSite. */
  files?: Record<string, string>
}

/** Starts a stage with the confidential clients `web` and `careful`; `careful` requires consent. */
export async function openStage({ vars = {}, files = {} }: StageOptions = {}): Promise<Stage> {
  // The browser comes first: without one, nothing else needs to start.
  const visitors = await receiveVisitors()
  const port = await freePort()
  const [provider, site] = await Promise.all([
    startProvider({ port, issuer: `http://localhost:${port}`, vars }),
    openClientSite(files),
  ])
  await seedAda(provider)
  await seedRobot(provider)
  const settings = { redirect_uris: [site.redirectUri], scopes: ['openid', 'profile', 'email', 'address', 'phone'] }
  await seedClient(provider, 'web', { ...settings, client_name: 'Web shop' })
  await seedClient(provider, 'careful', { ...settings, client_name: 'Careful Books', require_consent: true })

  const stage: Stage = {
    provider,
    site,
    visit: visitors.visit,
    leave: visitors.leave,
    async visitAsAda(options) {
      const visitor = await visitors.visit(options)
      await visitor.page.goto(`${provider.issuer}/account`)
      await signIn(visitor.page)
      await visitor.page.waitForURL(`${provider.issuer}/account`)
      return visitor
    },
    request: (parameters = {}) => {
      const query = new URLSearchParams({
        client_id: 'web',
        response_type: 'code',
        redirect_uri: site.redirectUri,
        scope: 'openid profile',
        state: 'of-the-client',
        code_challenge: pkce().code_challenge,
        code_challenge_method: 'S256',
        ...parameters,
      })
      return `${provider.issuer}/connect/authorize?${query}`
    },
    async close() {
      await Promise.all([visitors.close(), site.close(), provider.stop()])
    },
  }
  return stage
}

/** Fills in the login page, and waits for the next page. */
export async function signIn(page: Page, username = 'ada', typed = password): Promise<void> {
  await page.fill('#username', username)
  await page.fill('#password', typed)
  await press(page, '#sign-in')
}

/** Clicks a button or link, and waits for the page it leads to. */
export async function press(page: Page, selector: string): Promise<void> {
  await Promise.all([page.waitForEvent('domcontentloaded'), page.click(selector)])
}

/** The kind of the page that is shown: `login`, `consent`, … */
export const kindOf = async (page: Page): Promise<string> =>
  ((await page.locator('body').getAttribute('class')) ?? '').replace('page-', '')
