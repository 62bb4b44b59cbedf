// Writes docs/openapi.json from the schemas that the operators' interface is served by.
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { openApiDocument } from '../src/admin/openapi.ts'

const file = path.join(import.meta.dirname, '..', 'docs', 'openapi.json')
writeFileSync(file, `${JSON.stringify(openApiDocument(), null, 2)}\n`)
console.log(file)
