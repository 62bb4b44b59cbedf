// Visitors with separate cookies, whose pages' policy violations and script errors are recorded.
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { launchChromium } from './chromium.ts'

export interface Visitor {
  context: BrowserContext
  page: Page
}

export interface Visitors {
  /** A new visitor with a first page. */
  visit(options?: BrowserContextOptions): Promise<Visitor>
  /** Closes all visitors' pages. Returns the recorded complaints: violated policies and failed scripts. */
  leave(): Promise<string[]>
  close(): Promise<void>
}

const report = 'reportComplaint'
// Only the path is reported, because a query may hold secrets.
const listen = `addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) =>
  ${report}(effectiveDirective + ' forbids ' + blockedURI + ' on ' + location.pathname))`

export async function receiveVisitors(): Promise<Visitors> {
  const browser = await launchChromium()
  const complaints: string[] = []
  const contexts: BrowserContext[] = []
  return {
    async visit(options = {}) {
      const context = await browser.newContext({ locale: 'en-GB', reducedMotion: 'reduce', ...options })
      contexts.push(context)
      context.setDefaultTimeout(10_000)
      context.on('console', (message) => {
        if (/Content.Security.Policy/i.test(message.text())) complaints.push(message.text())
      })
      context.on('weberror', (error) => complaints.push(String(error.error())))
      await context.exposeBinding(report, (_, text: string) => complaints.push(text))
      await context.addInitScript(listen)
      return { context, page: await context.newPage() }
    },
    async leave() {
      await Promise.all(contexts.splice(0).map((context) => context.close()))
      return complaints.splice(0)
    },
    close: () => browser.close(),
  }
}
