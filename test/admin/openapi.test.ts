import { expect, it } from 'vitest'
import committed from '../../docs/openapi.json'
import committedSeedSchema from '../../docs/seed-file.schema.json'
import { openApiDocument } from '../../src/admin/openapi.ts'
import { seedFileSchema } from '../../src/admin/seed/seed-file.ts'
import { adminRoutes } from '../../src/admin/table.ts'
import { ask } from './context.ts'

const document = JSON.parse(JSON.stringify(openApiDocument()))

it('docs/openapi.json is what the schemas say (npm run openapi)', () => {
  expect(committed).toEqual(document)
})

it('docs/seed-file.schema.json is what seed files are read by (npm run openapi)', () => {
  expect(committedSeedSchema).toEqual(JSON.parse(JSON.stringify(seedFileSchema())))
})

it('names every route once, each with an operationId of its own', () => {
  const operations = Object.entries(document.paths as Record<string, Record<string, { operationId: string }>>).flatMap(
    ([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ method, path, ...operation })),
  )
  expect(operations).toHaveLength(adminRoutes.length)
  expect(new Set(operations.map((operation) => operation.operationId)).size).toBe(adminRoutes.length)
})

it('refers to nothing that is not there', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/(\w+)\/(\w+)"/g)]
  expect(references.length).toBeGreaterThan(0)
  for (const [, kind = '', name = ''] of references) expect(document.components[kind]).toHaveProperty(name)
  expect(JSON.stringify(document)).not.toContain('$defs')
})

it('describes what is answered', async () => {
  const described = (name: string) => Object.keys(document.components.schemas[name].properties).sort()
  await ask('PUT users/alice', {})
  await ask('PUT clients/web', { redirect_uris: ['https://rp.test/cb'], enabled: false })
  expect(Object.keys((await ask('GET users/alice')).body).sort()).toEqual(described('User'))
  expect(Object.keys((await ask('GET clients/web')).body).sort()).toEqual(described('Client'))
  expect(Object.keys((await ask('GET settings')).body.values).sort()).toEqual(described('Settings'))
})
