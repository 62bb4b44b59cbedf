import { describe, expect, it } from 'vitest'
import { parseClientRequest } from '../../../src/clients/authentication/client-request.ts'
import {
  chooseMethod,
  confidentialMethodNames,
  findMethod,
  methods,
} from '../../../src/clients/authentication/methods.ts'
import { base64, utf8 } from '../../../src/crypto/encoding.ts'
import { OAuthError } from '../../../src/model/errors.ts'

interface Part {
  authorization?: string
  body?: Record<string, string>
}

/** An example of the credentials of each confidential method. */
const presented: Record<string, Part> = {
  client_secret_basic: { authorization: `Basic ${base64(utf8('web:secret'))}` },
  client_secret_post: { body: { client_id: 'web', client_secret: 'secret' } },
  private_key_jwt: { body: { client_id: 'web', client_assertion: 'x.y.z' } },
}

/** The name of the method chosen for a request with all these parts. */
function methodOf(...parts: Part[]): string {
  const authorization = parts.find((part) => part.authorization)?.authorization
  const request = new Request('https://id.test/connect/token', {
    method: 'POST',
    headers: authorization === undefined ? {} : { authorization },
  })
  const body = Object.assign({}, ...parts.map((part) => part.body))
  return chooseMethod(parseClientRequest(request, new URLSearchParams(body))).name
}

describe('the registry of client authentication methods', () => {
  it('has each name once, and an example of each confidential method here', () => {
    expect(new Set(methods.map(({ name }) => name)).size).toBe(methods.length)
    expect(Object.keys(presented)).toEqual(confidentialMethodNames)
    for (const { name } of methods) expect(findMethod(name)?.name).toBe(name)
    expect(findMethod(null)).toBeUndefined()
    expect(findMethod('constructor')).toBeUndefined()
  })

  it.each(Object.keys(presented))('recognises %s by its credentials alone', (name) => {
    expect(methodOf(presented[name] ?? {})).toBe(name)
  })

  it('chooses none for a request without credentials', () => {
    expect(methodOf({})).toBe('none')
    expect(methodOf({ body: { client_id: 'web', client_secret: '', client_assertion: '' } })).toBe('none')
    expect(methodOf({ authorization: `Basic ${base64(utf8('web:'))}` })).toBe('none')
    expect(methodOf({ authorization: 'Bearer token', body: { client_id: 'web' } })).toBe('none')
  })

  it('T15 refuses any two methods in one request (RFC 6749 §2.3)', () => {
    for (const one of Object.keys(presented)) {
      for (const other of Object.keys(presented)) {
        if (one === other) continue
        expect(() => methodOf(presented[one] ?? {}, presented[other] ?? {}), `${one} and ${other}`).toThrow(OAuthError)
      }
    }
  })
})
