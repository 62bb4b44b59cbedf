// `npm run demo:hybrid` in its short form.
import { expect, it } from 'vitest'
import { runHybrid } from '../../scripts/hybrid/hybrid.ts'

it('K05 two instances and a server of another product share a certificate and rotate it, and no token fails', async () => {
  const report = await runHybrid({ calm: 1000, pause: 250, say: () => {} })
  console.log(
    `hybrid: ${report.verifications} verifications by five verifiers of three signers, across a rotation: ${report.failures.length} failures`,
  )
  expect(report.failures).toEqual([])
  const [before, after] = [new Set(report.kids.before), new Set(report.kids.after)]
  expect([before.size, after.size]).toEqual([1, 1])
  expect(before).not.toEqual(after)
  expect(report.kids.after[0]).toMatch(/^[0-9A-F]{40}RS256$/)
  expect(report.verifiedByPfx).toBeGreaterThan(10)
  expect(report.verifications).toBeGreaterThan(300)
}, 180_000)
