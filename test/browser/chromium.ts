// Starts headless Chromium, and runs axe in its pages.
import { existsSync } from 'node:fs'
import axe from 'axe-core'
import { type Browser, chromium, type Page } from 'playwright-core'

/** Throws an Error that says how to install a browser if there is none. */
export function launchChromium(): Promise<Browser> {
  const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'
  if (!existsSync(executablePath)) {
    throw new Error(`no browser at ${executablePath}: apt-get install chromium, or set CHROMIUM_PATH`)
  }
  const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run']
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-quic', ...quiet] })
}

export const phone = { width: 390, height: 844 }
export const desktop = { width: 1280, height: 800 }

const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** Each violation as one line: rule, requirement, element. Waits for animations first, since a page that fades in has less contrast. */
export async function axeViolations(page: Page): Promise<string[]> {
  await page.evaluate(
    'Promise.all(document.getAnimations().map((animation) => animation.finished)).then(() => undefined)',
  )
  await page.evaluate(axe.source)
  const options = JSON.stringify({ runOnly: rules })
  const { violations } = await page.evaluate<{ violations: axe.Result[] }>(`axe.run(document, ${options})`)
  return violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html}`))
}
