// Writes docs/openapi.json and docs/seed-file.schema.json from the schemas by which the administration API validates requests.
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { openApiDocument } from '../src/admin/openapi.ts'
import { seedFileSchema } from '../src/admin/seed/seed-file.ts'

function write(name: string, document: unknown): void {
  const file = path.join(import.meta.dirname, '..', 'docs', name)
  writeFileSync(file, `${JSON.stringify(document, null, 2)}\n`)
  console.log(file)
}

write('openapi.json', openApiDocument())
write('seed-file.schema.json', seedFileSchema())
