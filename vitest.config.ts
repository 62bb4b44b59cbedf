import './scripts/clean-environment.ts'

import { availableParallelism } from 'node:os'
import path from 'node:path'
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'
import type { Reporter } from 'vitest/node'
import { exactly } from './scripts/worker-variables.ts'

/** Prints the closing line that CI reads: N passed, N failed[, N skipped]. */
const closingLine: Reporter = {
  onTestRunEnd(modules) {
    const states = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.result().state))
    const count = (state: string) => states.filter((each) => each === state).length
    const unloaded = modules.filter((module) => module.state() === 'failed' && module.errors().length > 0).length
    const skipped = count('skipped') ? `, ${count('skipped')} skipped` : ''
    process.once('exit', () => console.log(`${count('passed')} passed, ${count('failed') + unloaded} failed${skipped}`))
  },
}

const inNode = { testTimeout: 30_000, hookTimeout: 60_000 }

export default defineConfig({
  test: {
    reporters: ['default', closingLine],
    // Tests mostly wait for a server, so two at once on two cores take little more than half the time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    coverage: { provider: 'istanbul', include: ['src/**'] },
    projects: [
      {
        plugins: [
          cloudflareTest(async () => ({
            wrangler: { configPath: './wrangler.toml' },
            // No login is needed, even if a binding in wrangler.toml is remote.
            remoteBindings: false,
            miniflare: {
              // Databases of other deployments, for tests of what deployments share.
              d1Databases: { SECOND_DB: 'second', THIRD_DB: 'third' },
              bindings: {
                TEST_MIGRATIONS: await readD1Migrations(path.join(import.meta.dirname, 'migrations')),
                ...exactly({
                  AUTHORITY_URL: 'https://id.test',
                  SEAL_KEY: 'c2VhbC1rZXktb2YtdGhlLXRlc3RzLTAxMjM0NTY3ODk',
                  WRAP_KEY: 'd3JhcC1rZXktb2YtdGhlLXRlc3RzLTAxMjM0NTY3ODk',
                  PEPPER: 'cGVwcGVyLW9mLXRoZS10ZXN0cy0wMTIzNDU2Nzg5YWI',
                  OPERATOR_TOKEN: 'b3BlcmF0b3ItdG9rZW4tb2YtdGhlLXRlc3RzLTAxMjM',
                  REQUEST_LOG: 'off',
                }),
              },
            },
          })),
        ],
        test: {
          name: 'workers',
          include: ['test/**/*.test.{ts,tsx}'],
          exclude: ['test/{node,flows,conformance,browser,emulators,upstream}/**'],
          setupFiles: ['./test/setup.ts'],
          testTimeout: 20_000,
          hookTimeout: 30_000,
        },
      },
      { test: { name: 'node', include: ['test/{node,flows,conformance}/**/*.test.ts'], ...inNode } },
      { test: { name: 'emulators', include: ['test/emulators/**/*.test.ts'], ...inNode } },
      { test: { name: 'upstream', include: ['test/upstream/**/*.test.ts'], ...inNode } },
      { test: { name: 'browser', include: ['test/browser/**/*.test.ts'], ...inNode } },
    ],
  },
})
