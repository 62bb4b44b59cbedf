// The OpenAPI 3.1 document of the administration API, built from its route table by `npm run openapi`, never in the Worker.

import * as z from 'zod/mini'
import { compact } from '../model/record.ts'
import { addressOf, paths } from '../request/addresses.ts'
import type { AdminRoute } from './admin-route.ts'
import { clientAnswer, clientBody } from './resources/client-fields.ts'
import { externalProviderAnswer, externalProviderBody } from './resources/external-provider-fields.ts'
import { settingValues } from './resources/settings.ts'
import { userAnswer, userBody } from './resources/user-fields.ts'
import { adminRoutes } from './table.ts'

type Json = Record<string, unknown>

/** Schemas that the document holds once and refers to by name. */
const named = z.registry<{ id: string }>()
named.add(clientAnswer, { id: 'Client' })
named.add(clientBody, { id: 'ClientChange' })
named.add(userAnswer, { id: 'User' })
named.add(userBody, { id: 'UserChange' })
named.add(externalProviderAnswer, { id: 'IdentityProvider' })
named.add(externalProviderBody, { id: 'IdentityProviderChange' })
named.add(settingValues, { id: 'Settings' })

/** Converts a schema to OpenAPI; named schemas move to the components. */
function json(schema: z.ZodMiniType, components: Json): Json {
  const generated = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', metadata: named }) as Json
  const { $schema, $defs, ...rest } = JSON.parse(
    JSON.stringify(generated).replaceAll('"#/$defs/', '"#/components/schemas/'),
  ) as Json
  for (const [id, definition] of Object.entries(($defs ?? {}) as Record<string, Json>)) {
    const { id: _, ...known } = definition
    components[id] = known
  }
  return { content: { 'application/json': { schema: referTo(rest, components) } } }
}

/** The generator does not refer to a named schema at the top by its name, so this does. */
function referTo(schema: Json, components: Json): Json {
  const { id, ...known } = schema
  if (typeof id !== 'string') return schema
  components[id] = known
  return { $ref: `#/components/schemas/${id}` }
}

const problem: Json = {
  type: 'object',
  required: ['type', 'status', 'title', 'request_id'],
  properties: {
    type: { const: 'about:blank' },
    status: { type: 'integer' },
    title: { type: 'string' },
    request_id: { type: 'string' },
    fields: {
      type: 'object',
      additionalProperties: { type: 'string' },
      description: 'Field path → what is wrong with it',
    },
  },
}

export function openApiDocument(): Json {
  const operations: Record<string, Json> = {}
  const components: Json = {}
  for (const route of adminRoutes) {
    const path = `/${route.path}`
    operations[path] = { ...operations[path], [route.method.toLowerCase()]: operation(route, components) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: "Countersign: the operators' interface",
      version: '1',
      description:
        'Guarded by OPERATOR_TOKEN; without one it answers 404. Changes are live: rights of a person end at the next call, those of a client ' +
        'within ten seconds. Errors are application/problem+json (RFC 9457).',
    },
    servers: [
      { url: addressOf({ url: '{issuer}' }, paths.admin), variables: { issuer: { default: 'http://localhost:8787' } } },
    ],
    security: [{ operatorToken: [] }],
    paths: operations,
    components: {
      securitySchemes: { operatorToken: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: problem, ...components },
      responses: {
        Problem: {
          description: 'Refused; nothing was changed',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
    },
  }
}

function operation(route: AdminRoute, components: Json): Json {
  return {
    operationId: operationId(route),
    tags: [route.path.split('/')[0]],
    summary: route.summary,
    ...compact({ description: route.description }),
    parameters: [...pathParameters(route), ...queryParameters(route), ...(route.isPaged ? pageParameters : [])],
    ...compact({ requestBody: route.body && { required: true, ...json(route.body, components) } }),
    responses: { ...success(route, components), default: { $ref: '#/components/responses/Problem' } },
  }
}

const operationId = ({ method, path }: AdminRoute): string =>
  `${method.toLowerCase()} ${path.replaceAll(/[{}]/g, '')}`.replaceAll(/[^A-Za-z]+(\w)/g, (_, letter: string) =>
    letter.toUpperCase(),
  )

const pathParameters = ({ path }: AdminRoute): Json[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))

function queryParameters({ query }: AdminRoute): Json[] {
  if (!query) return []
  const { properties } = z.toJSONSchema(query, { io: 'input', unrepresentable: 'any' })
  return Object.entries(properties ?? {}).map(([name, schema]) => ({ name, in: 'query', schema }))
}

const pageParameters: Json[] = [
  { name: 'limit', in: 'query', schema: { type: 'integer', minimum: 1, maximum: 500, default: 50 } },
  { name: 'after', in: 'query', schema: { type: 'string' }, description: '`next` of the page before' },
]

/** PUT creates or updates; POST with a response schema may create; a route without a response schema answers 204. */
function success({ method, path, answer }: AdminRoute, components: Json): Json {
  if (!answer) return { 204: { description: 'Done' } }
  const body = json(answer, components)
  if (method === 'PUT') return { 200: { description: 'Updated', ...body }, 201: { description: 'Created', ...body } }
  const isCreation = method === 'POST' && path.endsWith('/secrets')
  return isCreation ? { 201: { description: 'Created', ...body } } : { 200: { description: 'OK', ...body } }
}
