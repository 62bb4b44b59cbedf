import { env } from 'cloudflare:workers'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { sha256 } from '../../../src/crypto/encoding.ts'
import { readClient } from '../../../src/storage/configuration-reads.ts'
import { noon } from '../../context.ts'
import { ask, newChanges, recordingSubjects, rows, start } from '../context.ts'

const strong = 'b7f2c09e5d814a36e8130fda96c47b52'
const web = { redirect_uris: ['https://rp.test/cb'] }
const jwkOf = async (algorithm: EcKeyGenParams | RsaHashedKeyGenParams) => {
  const pair = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair
  const jwks = [
    await crypto.subtle.exportKey('jwk', pair.publicKey),
    await crypto.subtle.exportKey('jwk', pair.privateKey),
  ]
  // Without the members that are undefined.
  return JSON.parse(JSON.stringify(jwks)) as JsonWebKey[]
}
const p256 = { name: 'ECDSA', namedCurve: 'P-256' }
const rsa = (modulusLength: number) => ({
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength,
  publicExponent: new Uint8Array([1, 0, 1]),
})

beforeAll(async () => {
  await ask('PUT users/robot', { service_account: true })
  // The signing key.
  await ask('PUT clients/first', web)
})

beforeEach(async () => {
  await env.DB.prepare('delete from clients').run()
  await newChanges()
})

describe('a new client', () => {
  it('has the safe defaults, and the token path reads what was written', async () => {
    const { status, body } = await ask('PUT clients/web', web)
    expect(status).toBe(201)
    expect(body).toMatchObject({
      client_id: 'web',
      client_name: 'web',
      enabled: true,
      require_pkce: true,
      require_consent: false,
      api_access: false,
      offline_access: false,
      grant_types: ['authorization_code'],
      scopes: ['email', 'openid', 'profile'],
      redirect_uris: ['https://rp.test/cb'],
      linked_user: null,
      secrets: [],
    })
    const client = await readClient(env.DB.withSession(), 'web')
    expect(client).toMatchObject({ client_id: 'web', redirect_uris: ['https://rp.test/cb'], require_pkce: true })
    expect(await newChanges()).toEqual(['client web'])
  })

  it('with offline_access gets the grant type that goes with it', async () => {
    const { body } = await ask('PUT clients/web', { ...web, offline_access: true })
    expect(body.grant_types).toEqual(['authorization_code', 'refresh_token'])
  })

  it('holds every setting that an operator may write', async () => {
    const [jwk] = await jwkOf(p256)
    const settings = {
      client_name: 'Web <b>',
      enabled: false,
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: { keys: [{ ...jwk, kid: 'one' }] },
      jwks_uri: null,
      grant_types: ['authorization_code', 'client_credentials', 'refresh_token'],
      redirect_uris: ['com.example.app:/cb', 'https://rp.test/cb'],
      post_logout_redirect_uris: ['https://rp.test/bye'],
      client_origins: ['https://spa.test'],
      scopes: ['openid', 'phone'],
      api_access: true,
      offline_access: true,
      require_pkce: false,
      require_consent: true,
      linked_user: 'robot',
      id_token_signed_response_alg: 'RS256',
      access_token_lifetime: 300,
      id_token_lifetime: 300,
      code_lifetime: 30,
      refresh_token_sliding_lifetime: 3600,
      refresh_token_absolute_lifetime: 7200,
      refresh_token_rotation: false,
      refresh_token_grace: 0,
      client_uri: 'https://rp.test/',
      logo_uri: 'https://rp.test/logo.png',
      policy_uri: 'https://rp.test/policy',
      tos_uri: 'https://rp.test/tos',
    }
    expect((await ask('PUT clients/web', settings)).body).toMatchObject(settings)
    expect((await ask('GET clients/web')).body).toMatchObject(settings)
    const { linked_user, ...known } = settings
    expect(await readClient(env.DB.withSession(), 'web')).toMatchObject({ ...known, linked_user: { user_id: 'robot' } })
  })
})

describe('every faulty field is named', () => {
  it.each([
    [{ redirect_uris: [] }, 'redirect_uris'],
    [{ redirect_uris: ['https://rp.test/cb', 'javascript:alert(1)'] }, 'redirect_uris.1'],
    [{ redirect_uris: ['http://rp.test/cb'] }, 'redirect_uris.0'],
    [{ redirect_uris: ['https://rp.test/cb#x'] }, 'redirect_uris.0'],
    [{ post_logout_redirect_uris: ['javascript:alert(1)'] }, 'post_logout_redirect_uris.0'],
    [{ client_origins: ['https://spa.test/'] }, 'client_origins.0'],
    [{ client_origins: ['*'] }, 'client_origins.0'],
    [{ logo_uri: 'javascript:alert(1)' }, 'logo_uri'],
    [{ tos_uri: 'data:text/html,x' }, 'tos_uri'],
    [{ client_name: 'Web\nAdmin' }, 'client_name'],
    [{ grant_types: ['password'] }, 'grant_types.0'],
    [{ grant_types: ['implicit'] }, 'grant_types.0'],
    [{ grant_types: [] }, 'grant_types'],
    [{ grant_types: ['client_credentials'] }, 'linked_user'],
    [{ linked_user: 'nobody' }, 'linked_user'],
    [{ scopes: ['openid', 'nothing'] }, 'scopes'],
    [{ scopes: ['full_api_access'] }, 'scopes'],
    [{ scopes: ['offline_access'] }, 'scopes'],
    [{ offline_access: true, grant_types: ['client_credentials'], linked_user: 'robot' }, 'offline_access'],
    [{ token_endpoint_auth_method: 'private_key_jwt' }, 'token_endpoint_auth_method'],
    [{ token_endpoint_auth_method: 'client_secret_jwt' }, 'token_endpoint_auth_method'],
    [{ token_endpoint_auth_method: 'none', require_pkce: false }, 'require_pkce'],
    [{ token_endpoint_auth_method: 'none', secrets: [{ value: strong }] }, 'secrets'],
    [
      {
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'client_credentials'],
        linked_user: 'robot',
      },
      'grant_types',
    ],
    [{ token_endpoint_auth_signing_alg: 'HS256' }, 'token_endpoint_auth_signing_alg'],
    [{ token_endpoint_auth_signing_alg: 'none' }, 'token_endpoint_auth_signing_alg'],
    [{ id_token_signed_response_alg: 'EdDSA' }, 'id_token_signed_response_alg'],
    [{ jwks_uri: 'http://rp.test/jwks' }, 'jwks_uri'],
    [{ jwks_uri: 'http://127.0.0.1/jwks' }, 'jwks_uri'],
    [{ jwks: { keys: [] } }, 'jwks.keys'],
    [{ jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] } }, 'jwks.keys.0'],
    [{ jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' }] } }, 'jwks.keys.0'],
    [{ access_token_lifetime: 59 }, 'access_token_lifetime'],
    [{ access_token_lifetime: 86_401 }, 'access_token_lifetime'],
    [{ access_token_lifetime: 60.5 }, 'access_token_lifetime'],
    [{ code_lifetime: 601 }, 'code_lifetime'],
    [{ refresh_token_sliding_lifetime: 7201, refresh_token_absolute_lifetime: 7200 }, 'refresh_token_sliding_lifetime'],
    [{ colour: 'red' }, 'colour'],
  ])('%j', async (body, field) => {
    const { status, body: problem } = await ask('PUT clients/web', { ...web, ...body })
    expect(status).toBe(400)
    expect(Object.keys(problem.fields)).toEqual([field])
    expect(await rows('select 1 from clients')).toEqual([])
  })

  it('takes every public key that an accepted algorithm verifies with', async () => {
    const p521: EcKeyGenParams = { name: 'ECDSA', namedCurve: 'P-521' }
    const keys = await Promise.all([rsa(2048), p256, p521].map(async (algorithm) => (await jwkOf(algorithm))[0]))
    const client = { ...web, token_endpoint_auth_signing_alg: 'ES512', jwks: { keys } }
    expect(await ask('PUT clients/web', client)).toMatchObject({ status: 201, body: client })
  })

  it('K01 private and weak keys are refused in jwks', async () => {
    const [, privateJwk] = await jwkOf(p256)
    const [weak] = await jwkOf(rsa(1024))
    const [fine] = await jwkOf(rsa(2048))
    const { body } = await ask('PUT clients/web', { ...web, jwks: { keys: [fine, privateJwk, weak] } })
    expect(Object.keys(body.fields)).toEqual(['jwks.keys.1', 'jwks.keys.2'])
    expect(body.fields['jwks.keys.1']).toMatch(/private/)
    const twice = [
      { ...fine, kid: 'a' },
      { ...fine, kid: 'a' },
    ]
    expect((await ask('PUT clients/web', { ...web, jwks: { keys: twice } })).body.fields.jwks).toMatch(/kid/)
  })
})

describe('secrets', () => {
  it('D07 are kept as a hash and never read back', async () => {
    const expires_at = '2027-01-31T00:00:00Z'
    const { body } = await ask('PUT clients/web', { ...web, secrets: [{ value: strong, expires_at }] })
    const hash = await sha256(strong)
    expect(body.secrets).toEqual([
      {
        label: 'default',
        expires_at: '2027-01-31T00:00:00.000Z',
        created_at: new Date(noon).toISOString(),
        hash_prefix: hash.slice(0, 8),
      },
    ])
    const whole = JSON.stringify([body, (await ask('GET clients')).body, await rows('select * from audit_events')])
    expect(whole).not.toContain(strong)
    expect(whole).not.toContain(hash)
    expect((await readClient(env.DB.withSession(), 'web'))?.secrets).toEqual([
      { hash, label: 'default', expires_at: Date.parse(expires_at) },
    ])
  })

  it.each(['secret', 'a'.repeat(64), 'correct horse battery staple', ''])(
    'Rules 8 %j is refused with the reason',
    async (value) => {
      const { status, body } = await ask('PUT clients/web', { ...web, secrets: [{ value }] })
      expect(status).toBe(400)
      expect(body.fields['secrets.0.value']).toMatch(/guess|empty/)
    },
  )

  it('a value under a known label replaces that secret, others stay', async () => {
    const other = '2e9a71c4d05f83b6197cea402db8f563'
    await ask('PUT clients/web', { ...web, secrets: [{ value: strong, label: 'a' }] })
    const generated = await ask('POST clients/web/secrets', { label: 'b' })
    const { body } = await ask('PUT clients/web', { secrets: [{ value: other, label: 'a' }] })
    const prefixes = body.secrets.map((secret: { hash_prefix: string }) => secret.hash_prefix)
    expect(prefixes.sort()).toEqual([(await sha256(other)).slice(0, 8), generated.body.hash_prefix].sort())
    const twice = {
      secrets: [
        { value: strong, label: 'a' },
        { value: other, label: 'a' },
      ],
    }
    expect((await ask('PUT clients/web', twice)).body.fields).toHaveProperty(['secrets.1.label'])
  })

  it('a generated one is shown once, has 256 bits, and can be deleted', async () => {
    await ask('PUT clients/web', web)
    await newChanges()
    const { status, body } = await ask('POST clients/web/secrets', {})
    expect(status).toBe(201)
    expect(body.value).toMatch(/^[\w-]{43}$/)
    expect(body.label).toBe(`generated ${new Date(noon).toISOString()}`)
    expect((await readClient(env.DB.withSession(), 'web'))?.secrets[0]?.hash).toBe(await sha256(body.value))
    expect(JSON.stringify((await ask('GET clients/web')).body)).not.toContain(body.value)
    expect((await ask('POST clients/web/secrets', { label: body.label })).body.fields.label).toMatch(/another secret/)
    expect((await ask('DELETE clients/web/secrets/xxxxxxxx')).status).toBe(404)
    expect((await ask(`DELETE clients/web/secrets/${body.hash_prefix}`)).status).toBe(204)
    expect((await ask('GET clients/web')).body.secrets).toEqual([])
    expect(await newChanges()).toEqual(['client web', 'client web'])
  })
})

describe('live', () => {
  it('D10 an update leaves what it does not name, and isolates hear of it', async () => {
    await ask('PUT clients/web', { ...web, client_name: 'Web', client_origins: ['https://spa.test'] })
    await newChanges()
    const { status, body } = await ask('PUT clients/web', { enabled: false }, { now: start + 60_000 })
    expect(status).toBe(200)
    expect(body).toMatchObject({ enabled: false, client_name: 'Web', client_origins: ['https://spa.test'], ...web })
    expect(body.updated_at).not.toBe(body.created_at)
    expect(await newChanges()).toEqual(['client web'])
  })

  it('a PUT of the same changes nothing and tells nobody', async () => {
    const whole = {
      redirect_uris: ['https://rp.test/z', 'https://rp.test/a'],
      scopes: ['profile', 'openid', 'openid'],
      secrets: [{ value: strong, label: 'x', expires_at: '2027-01-31T00:00:00Z' }],
    }
    await ask('PUT clients/web', whole)
    await ask('POST clients/web/secrets', {})
    await newChanges()
    const { status, body } = await ask('PUT clients/web', whole, { now: start + 60_000 })
    expect(status).toBe(200)
    expect(body.updated_at).toBe(new Date(noon).toISOString())
    expect(body.secrets).toHaveLength(2)
    expect(await newChanges()).toEqual([])
  })

  it('a deleted client is gone with its lists, secrets and its place in resources', async () => {
    await ask('PUT clients/web', { ...web, secrets: [{ value: strong }] })
    await ask('PUT resources/api', { introspection_client_id: 'web' })
    await newChanges()
    expect((await ask('DELETE clients/web')).status).toBe(204)
    expect(await readClient(env.DB.withSession(), 'web')).toBeUndefined()
    expect(await rows('select 1 from client_secrets union all select 1 from client_redirect_uris')).toEqual([])
    expect((await ask('GET resources/api')).body.introspection_client_id).toBeNull()
    expect(await newChanges()).toEqual(['client web', 'resource'])
    expect((await ask('DELETE clients/web')).status).toBe(404)
  })

  it('D13 a change whose audit event cannot be written is not made', async () => {
    await ask('PUT clients/web', web)
    await newChanges()
    await env.DB.prepare(
      "create trigger no_audit before insert on audit_events begin select raise(abort, 'full'); end",
    ).run()
    const answer = await ask('PUT clients/web', { enabled: false })
    await env.DB.prepare('drop trigger no_audit').run()
    expect(answer.status).toBe(503)
    expect((await ask('GET clients/web')).body.enabled).toBe(true)
    expect(await newChanges()).toEqual([])
  })

  it('the first enabled client makes the signing key, a disabled one does not', async () => {
    await env.DB.prepare('delete from signing_keys').run()
    await ask('POST reload')
    const keys = () => rows('select 1 from signing_keys')
    await ask('PUT clients/web', { ...web, enabled: false })
    expect(await keys()).toEqual([])
    await ask('PUT clients/web', { enabled: true })
    expect(await keys()).toHaveLength(1)
    await ask('PUT clients/web2', web)
    expect(await keys()).toHaveLength(1)
  })
})

describe('scopes', () => {
  it('have titles by locale and claims by destination', async () => {
    const scope = {
      title: { en: 'Orders', nl: 'Bestellingen' },
      description: null,
      published: false,
      claims: [{ claim: 'department', destination: 'access_token' }, { claim: 'department' }, { claim: 'department' }],
    }
    const { status, body } = await ask('PUT scopes/orders', scope)
    expect(status).toBe(201)
    const claims = ['access_token', 'userinfo'].map((destination) => ({ claim: 'department', destination }))
    expect(body).toEqual({ name: 'orders', enabled: true, ...scope, claims })
    expect((await ask('GET scopes/orders')).body).toEqual(body)
    expect(await newChanges()).toEqual(['scope'])
    expect((await ask('PUT scopes/orders', { claims: scope.claims })).status).toBe(200)
    expect(await newChanges()).toEqual([])
  })

  it.each([
    ['PUT scopes/a%20b', {}, 'name'],
    ['PUT scopes/a%22b', {}, 'name'],
    ['PUT scopes/a', { claims: [{ claim: 'sub' }] }, 'claims.0.claim'],
    ['PUT scopes/a', { claims: [{ claim: 'aud', destination: 'access_token' }] }, 'claims.0.claim'],
    ['PUT scopes/a', { claims: [{ claim: '__proto__' }] }, 'claims.0.claim'],
    ['PUT scopes/a', { claims: [{ claim: 'x', destination: 'header' }] }, 'claims.0.destination'],
    ['PUT scopes/a', { title: { 'en US!': 'x' } }, 'title.en US!'],
  ])('%s %j is refused', async (line, body, field) => {
    expect(Object.keys((await ask(line, body)).body.fields)).toEqual([field])
  })

  it('a deleted one is gone from clients and resources, and they hear of it', async () => {
    await ask('PUT scopes/orders', {})
    await ask('PUT clients/web', { ...web, scopes: ['openid', 'orders'] })
    await ask('PUT resources/api', { scopes: ['orders', 'profile'] })
    await newChanges()
    expect((await ask('DELETE scopes/orders')).status).toBe(204)
    expect(await newChanges()).toEqual(['scope', 'resource', 'client web'])
    expect((await ask('GET clients/web')).body.scopes).toEqual(['openid'])
    expect((await ask('GET resources/api')).body.scopes).toEqual(['profile'])
    for (const name of ['openid', 'offline_access', 'full_api_access']) {
      expect((await ask(`DELETE scopes/${name}`)).status).toBe(409)
    }
  })
})

describe('resources', () => {
  it('are named by their identifier, which may be a URL', async () => {
    const path = `resources/${encodeURIComponent('https://api.test/v1?x=1')}`
    const { status, body } = await ask(`PUT ${path}`, { name: 'API', scopes: ['profile'] })
    expect(status).toBe(201)
    expect(body).toEqual({
      identifier: 'https://api.test/v1?x=1',
      name: 'API',
      scopes: ['profile'],
      introspection_client_id: null,
    })
    expect((await ask(`GET ${path}`)).body).toEqual(body)
    expect(await newChanges()).toEqual(['resource'])
    const faulty = await ask(`PUT ${path}`, { scopes: ['nothing'], introspection_client_id: 'nobody' })
    expect(Object.keys(faulty.body.fields)).toEqual(['scopes', 'introspection_client_id'])
    expect((await ask(`DELETE ${path}`)).status).toBe(204)
  })
})

describe('settings', () => {
  it('show values, defaults, and which are set; null goes back to the default', async () => {
    const changed = await ask('PATCH settings', { display_name: 'Acme', code_lifetime: 30 })
    expect(changed.body.values).toMatchObject({ display_name: 'Acme', code_lifetime: 30, id_token_lifetime: 600 })
    expect(changed.body.defaults).toMatchObject({ display_name: 'Countersign', code_lifetime: 60 })
    expect(changed.body.set).toEqual(['code_lifetime', 'display_name'])
    expect(await newChanges()).toEqual(['settings'])
    expect((await ask('PATCH settings', { display_name: 'Acme' })).status).toBe(200)
    expect(await newChanges()).toEqual([])
    await ask('PATCH settings', { display_name: null })
    expect((await ask('GET settings')).body).toMatchObject({
      values: { display_name: 'Countersign' },
      set: ['code_lifetime'],
    })
    await ask('PATCH settings', { code_lifetime: null })
  })

  it.each([
    [{ nonsense: 1 }, ['nonsense']],
    [{ code_lifetime: 9 }, ['code_lifetime']],
    [{ code_lifetime: 'x' }, ['code_lifetime']],
    [{ token_profile: 'jwt' }, ['token_profile']],
    [{ rsa_key_bits: 1024 }, ['rsa_key_bits']],
    [{ signing_algs: ['ES256'] }, ['signing_algs', 'id_token_signing_alg', 'access_token_signing_alg']],
    [{ id_token_signing_alg: 'ES256' }, ['id_token_signing_alg']],
    [{ jwks_max_age: 7200, key_announce_period: 3600 }, ['jwks_max_age']],
    [
      { session_idle_lifetime: 7200, session_absolute_lifetime: 3600, session_remembered_idle_lifetime: 60 },
      ['session_idle_lifetime'],
    ],
  ])('%j is refused', async (body, fields) => {
    const answer = await ask('PATCH settings', body)
    expect(answer.status).toBe(400)
    expect(Object.keys(answer.body.fields)).toEqual(fields)
    expect((await ask('GET settings')).body.set).toEqual([])
  })
})

describe('keys', () => {
  it('K01 are shown without their private part, rotated, and taken out of use', async () => {
    await ask('PUT clients/web', web)
    const { body } = await ask('GET keys')
    expect(body.items).toHaveLength(1)
    expect(body.items[0]).toMatchObject({ alg: 'RS256', state: 'active', retired_at: null })
    expect(JSON.stringify(body)).not.toMatch(/wrapped|"d"/)
    const rotated = await ask('POST keys/rotate')
    expect(rotated.body.outcome).toBe('announced')
    expect((await ask('POST keys/rotate')).body.outcome).toBe('already_announced')
    expect((await ask('POST keys/unknown/retire')).status).toBe(404)
    const { kid } = body.items[0]
    const retired = await ask(`POST keys/${kid}/retire`)
    expect(retired.body.replaced_by).toHaveLength(1)
    const events = (await ask('GET audit-events')).body.items
    expect(
      events.some((event: { target: string; actor: string }) => event.target === kid && event.actor === 'operator'),
    ).toBe(true)
  })
})

describe('audit events', () => {
  it('D13 tell who changed what, by field name, newest first, page by page', async () => {
    await ask('PUT clients/web', { ...web, secrets: [{ value: strong }] })
    await ask('PUT clients/web', { client_name: 'Other' })
    await ask('DELETE clients/web')
    const { body } = await ask('GET audit-events?limit=2')
    expect(body.items).toMatchObject([
      { actor: 'operator', action: 'client.delete', target: 'web', request_id: expect.stringMatching(/^request-/) },
      { action: 'client.update', detail: { fields: ['client_name'] } },
    ])
    const older = await ask(`GET audit-events?limit=1&after=${body.next}`)
    expect(older.body.items).toMatchObject([{ action: 'client.create' }])
    expect((await ask('GET audit-events?after=x')).status).toBe(400)
    expect((await ask('DELETE audit-events')).status).toBe(405)
  })
})

it('reload makes every isolate read everything again', async () => {
  expect((await ask('POST reload')).status).toBe(204)
  expect(await newChanges()).toEqual(['all'])
})

it('an unknown refusal is 404 and says how long they are kept', async () => {
  const { status, body } = await ask('GET refusals/nothing')
  expect(status).toBe(404)
  expect(body.title).toMatch(/24 hours/)
})

it('tenants are created, renamed, listed, and deleted only when empty', async () => {
  expect((await ask('PUT tenants/acme', {})).body).toEqual({ tenant_id: 'acme', name: 'acme' })
  expect((await ask('PUT tenants/acme', { name: 'Acme' })).status).toBe(200)
  expect((await ask('GET tenants')).body).toEqual({ items: [{ tenant_id: 'acme', name: 'Acme' }], next: null })
  await ask('PUT users/robot', { tenant_id: 'acme' }, recordingSubjects())
  expect((await ask('DELETE tenants/acme')).status).toBe(409)
  await ask('PUT users/robot', { tenant_id: null }, recordingSubjects())
  expect((await ask('DELETE tenants/acme')).status).toBe(204)
  expect((await ask('GET tenants/acme')).status).toBe(404)
})
