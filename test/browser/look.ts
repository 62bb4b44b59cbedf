// Checks the look of the page that is shown.
import path from 'node:path'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { axeViolations, desktop, phone } from './chromium.ts'

/** Expects no axe violation and no horizontal scrolling. With SCREENSHOTS=folder it saves the page for phone and desktop, light and dark. */
export async function look(page: Page, name: string): Promise<void> {
  expect(await axeViolations(page)).toEqual([])
  if (process.env.SCREENSHOTS) await photograph(page, process.env.SCREENSHOTS, name)
  // WCAG 2.2 SC 1.4.10: no horizontal scrolling at 320 CSS pixels.
  await page.setViewportSize({ width: 320, height: 640 })
  expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(320)
}

async function photograph(page: Page, folder: string, name: string): Promise<void> {
  for (const [size, viewport] of Object.entries({ phone, desktop })) {
    await page.setViewportSize(viewport)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await page.screenshot({ path: path.join(folder, `${name}-${size}-${colorScheme}.png`), fullPage: true })
    }
  }
}
