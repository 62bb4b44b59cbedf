// The variables of the Worker in these tests: what vitest.config.ts gives, and nothing of .dev.vars, .env, wrangler.toml or the shell.
import { env } from 'cloudflare:workers'
import { expect, it } from 'vitest'
import { parseDeployment } from '../../src/request/deployment.ts'

/** The names that settings are parsed from. */
function namesRead(): string[] {
  const names = new Set<string>()
  const read = (_: object, name: string) => {
    names.add(name)
    return Reflect.get(env, name)
  }
  parseDeployment(new Proxy({}, { get: read }))
  return [...names]
}

it('every variable that the product reads is given, and empty unless the tests need it', () => {
  const values = Object.fromEntries(namesRead().map((name) => [name, Reflect.get(env, name)]))
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''))
  expect(given).toEqual({
    AUTHORITY_URL: 'https://id.test',
    SEAL_KEY: 'c2VhbC1rZXktb2YtdGhlLXRlc3RzLTAxMjM0NTY3ODk',
    WRAP_KEY: 'd3JhcC1rZXktb2YtdGhlLXRlc3RzLTAxMjM0NTY3ODk',
    PEPPER: 'cGVwcGVyLW9mLXRoZS10ZXN0cy0wMTIzNDU2Nzg5YWI',
    OPERATOR_TOKEN: 'b3BlcmF0b3ItdG9rZW4tb2YtdGhlLXRlc3RzLTAxMjM',
    REQUEST_LOG: 'off',
  })
})
