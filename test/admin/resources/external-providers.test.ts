// External providers as operators keep them: what may be stored, what is read of the provider itself, and what never comes back.
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { aDeployment, noon } from '../../context.ts'
import { answerForUpstreams, anUpstream, type FakeUpstream } from '../../fakes/upstream.ts'
import { ask, newChanges, rows } from '../context.ts'

let upstream: FakeUpstream
beforeAll(async () => {
  upstream = await anUpstream()
})
beforeEach(() => {
  answerForUpstreams()
  upstream.faults = {}
})

const put = (id: string, body: unknown) => ask(`PUT identity-providers/${id}`, body)
const get = async (id: string) => (await ask(`GET identity-providers/${id}`)).body
const faultsOf = async (id: string, body: unknown) => {
  const { status, body: problem } = await put(id, body)
  expect(status).toBe(400)
  return problem.fields as Record<string, string>
}

const github = { preset: 'github', client_id: 'abc', client_secret: 'a secret of github' }

describe('a provider', () => {
  it('is created, read, listed, changed and deleted, each once in the audit log', async () => {
    const { status, body } = await put('idp', upstream.record())
    expect(status).toBe(201)
    expect(body).toMatchObject({
      provider_id: 'idp',
      kind: 'openid',
      enabled: true,
      has_client_secret: true,
      identifying_claim: 'sub',
      link_existing_users: true,
      provisioning_enabled: false,
      allow_all_issuers: false,
      metadata: { issuer: upstream.issuer },
      metadata_fault: null,
      metadata_fetched_at: new Date(noon).toISOString(),
    })
    expect(await get('idp')).toEqual(body)
    expect((await ask('GET identity-providers')).body).toEqual({ items: [body], next: null })
    expect(await newChanges()).toContain('identity-provider')

    expect((await put('idp', { sign_in_text: 'Sign in at work', domains: ['EXAMPLE.com'] })).status).toBe(200)
    expect(await get('idp')).toMatchObject({
      sign_in_text: 'Sign in at work',
      domains: ['example.com'],
      name: 'idp.test',
    })
    expect((await put('idp', { sign_in_text: null })).body.sign_in_text).toBeNull()

    expect((await ask('DELETE identity-providers/idp')).status).toBe(204)
    expect((await ask('GET identity-providers/idp')).status).toBe(404)
    const events = await rows<{ action: string; detail: string }>(
      "select action, detail from audit_events where target = 'idp' order by id",
    )
    expect(events.map((event) => event.action.replace('identity-provider.', ''))).toEqual([
      'create',
      'update',
      'update',
      'delete',
    ])
    expect(JSON.parse(events[1]?.detail ?? '')).toEqual({ fields: ['domains', 'sign_in_text'].sort() })
  })

  it('changes nothing when it is put a second time, and is not read again', async () => {
    await put('twice', upstream.record())
    await newChanges()
    const { metadata } = upstream.requests
    expect((await put('twice', upstream.record())).status).toBe(200)
    expect(await newChanges()).toEqual([])
    expect(upstream.requests.metadata).toBe(metadata)
  })

  it('has the scopes and claims that its metadata states', async () => {
    const { scopes, ...record } = upstream.record()
    upstream.metadata.scopes_supported = ['openid', 'profile', 'groups']
    const { body } = await put('stated', record)
    expect(body.scopes).toEqual(['openid', 'profile'])
    expect(body.claims).toEqual([...(upstream.metadata.claims_supported as string[])].sort())
    upstream.metadata.scopes_supported = ['openid', 'profile', 'email']
  })

  it('OIDC Core 3.1.2.1 always asks for openid, and knows every claim that a rule names', async () => {
    const { body } = await put('asks', {
      ...upstream.record(),
      scopes: ['groups'],
      claims: ['a'],
      identifying_claim: 'upn',
      user_template: { name: { claim: 'display_name' } },
      group_mappings: [],
    })
    expect(body.scopes).toEqual(['openid', 'groups'])
    expect(body.claims).toEqual(['a', 'display_name', 'upn'])
  })

  it('authenticates by Basic with a secret and not at all without, unless it is said', async () => {
    const { token_endpoint_auth_method, ...record } = upstream.record()
    expect((await put('auth', { ...record, client_secret: null })).body.token_endpoint_auth_method).toBe('none')
    expect((await put('auth', { client_secret: 'now it has one' })).body.token_endpoint_auth_method).toBe(
      'client_secret_basic',
    )
    expect(await faultsOf('auth', { client_secret: null })).toEqual({ client_secret: 'client_secret_basic needs one' })
    const keyed = await put('auth', { client_secret: null, token_endpoint_auth_method: 'private_key_jwt' })
    expect(keyed.body).toMatchObject({ has_client_secret: false, token_endpoint_auth_method: 'private_key_jwt' })
  })
})

describe('what is refused, by field', () => {
  const icon = `data:image/svg+xml;base64,${btoa('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>')}`
  const cases: [string, Record<string, unknown>, Record<string, RegExp>][] = [
    ['no client id', { client_id: undefined }, { client_id: /^is missing/ }],
    ['no metadata endpoint', { metadata_endpoint: null }, { metadata_endpoint: /^is missing/ }],
    ['plain http', { metadata_endpoint: 'http://idp.test/x' }, { metadata_endpoint: /must be https/ }],
    ['an internal address', { metadata_endpoint: 'https://10.0.0.1/x' }, { metadata_endpoint: /internal address/ }],
    [
      'endpoints of kind openid',
      { endpoints: { authorization_endpoint: 'x', token_endpoint: 'x', userinfo_endpoint: 'x' } },
      { endpoints: /is for kind oauth2/ },
    ],
    ['an unknown field', { secret: 'x' }, { secret: /not a known field/ }],
    ['a name of two lines', { name: 'a\nb' }, { name: /control characters/ }],
    ['no mail domain', { domains: ['example'] }, { 'domains.0': /mail domain/ }],
    [
      'a field that no user has',
      { user_template: { shoe_size: { claim: 'x' } } },
      { 'user_template.shoe_size': /name|not a field/ },
    ],
    [
      'a claim of the protocol',
      { user_template: { 'claims.aud': { claim: 'x' } } },
      { 'user_template.claims.aud': /statement of the provider/ },
    ],
    [
      'a claim that has a field',
      { user_template: { 'claims.email': { claim: 'x' } } },
      { 'user_template.claims.email': /field of its own/ },
    ],
    [
      'a field without a source',
      { user_template: { name: {} } },
      { 'user_template.name': /needs a claim or a default/ },
    ],
    [
      'everybody the same user',
      { user_template: { user_id: { default: 'ada' } } },
      { 'user_template.user_id.default': /differs from person to person/ },
    ],
    [
      'a time zone that does not exist',
      { user_template: { zoneinfo: { default: 'Mars/Base' } } },
      { 'user_template.zoneinfo.default': /time zone/ },
    ],
    [
      'a tenant that does not exist',
      { user_template: { tenant_id: { default: 'none' } } },
      { 'user_template.tenant_id.default': /is not a tenant/ },
    ],
    [
      'a mapping of a field without a claim',
      { value_mappings: [{ field: 'gender', claim_value: '1', value: 'male', priority: 1 }] },
      { 'value_mappings.0.field': /needs a claim/ },
    ],
    [
      'a mapping to a tenant that does not exist',
      {
        user_template: { tenant_id: { claim: 'iss' } },
        value_mappings: [{ field: 'tenant_id', claim_value: 'x', value: 'none', priority: 1 }],
      },
      { 'value_mappings.0.value': /is not a tenant/ },
    ],
    [
      'a group that does not exist',
      { group_mappings: [{ group_id: 'none' }] },
      { 'group_mappings.0.group_id': /is not a group/ },
    ],
    [
      'D06 an icon that runs',
      { sign_in_icon: icon, sign_out_icon: 'x' },
      { sign_in_icon: /event handler/, sign_out_icon: /data: URL/ },
    ],
    [
      'a method that the provider lacks',
      { metadata_endpoint: 'https://idp.test/.well-known/openid-configuration', response_mode: 'form_post' },
      { response_mode: /which the provider does not support/ },
    ],
    [
      'all issuers of a provider that has one',
      { allow_all_issuers: true },
      { allow_all_issuers: /needs an issuer with \{tenantid\}/ },
    ],
    ['an issuer that is no address', { valid_issuers: ['acme'] }, { 'valid_issuers.0': /https address/ }],
  ]
  it.each(cases)('%s', async (_, change, expected) => {
    upstream.metadata.response_modes_supported = ['query']
    const faults = await faultsOf('refused', { ...upstream.record(), ...change })
    for (const [field, text] of Object.entries(expected)) expect(faults[field]).toMatch(text)
    expect((await ask('GET identity-providers/refused')).status).toBe(404)
    delete upstream.metadata.response_modes_supported
  })

  it.each(['local', 'A', '-a', 'a b', 'a/b', 'a'.repeat(51)])('the id %j', async (id) => {
    const { status, body } = await put(encodeURIComponent(id), upstream.record())
    expect([status, Object.keys(body.fields)]).toEqual([400, ['provider_id']])
  })

  it('another kind than it was created with', async () => {
    await put('kind', github)
    expect(await faultsOf('kind', { kind: 'openid', metadata_endpoint: upstream.metadata_endpoint })).toMatchObject({
      kind: 'is fixed at creation: oauth2',
    })
  })
})

describe('D07 the client secret', () => {
  it('is in no answer, no log and no table', async () => {
    const secret = 'n0t-to-be-seen-anywhere-7f3a'
    const record = upstream.record({ client_secret: secret })
    const answers = [
      await put('secret', record),
      await put('secret', { ...record, client_secret: `${secret}-b`, name: 'Again' }),
      await ask('GET identity-providers/secret'),
      await ask('GET identity-providers'),
      await ask('POST identity-providers/secret/reload'),
      await ask('GET audit-events'),
      await put('secret', { ...record, client_id: null }),
      await put('secret', { client_secret: `${secret}\n` }),
    ]
    for (const { body } of answers) expect(JSON.stringify(body)).not.toContain(secret)
    const tables = await rows<{ name: string }>(
      "select name from sqlite_master where type = 'table' and name not like '\\_%' escape '\\'",
    )
    expect(tables.length).toBeGreaterThan(15)
    for (const { name } of tables) {
      const dump = JSON.stringify(await rows(`select * from "${name}"`))
      expect(dump.includes(secret) || dump.includes(btoa(secret)), name).toBe(false)
    }
  })

  it('is kept when it is left out, and gone when it is null', async () => {
    await put('kept', upstream.record())
    const sealed = async () =>
      (
        await rows<{ s: string | null }>(
          "select sealed_client_secret as s from identity_providers where provider_id = 'kept'",
        )
      )[0]?.s
    const before = await sealed()
    await put('kept', { name: 'Other' })
    expect(await sealed()).toBe(before)
    await put('kept', { client_secret: null, token_endpoint_auth_method: 'none' })
    expect(await sealed()).toBeNull()
  })
})

describe('I09 what a provider says of itself', () => {
  it.each([
    ['does not answer', () => Promise.reject(new TypeError('refused'))],
    ['is a page', () => new Response('<html>', { headers: { 'content-type': 'text/html' } })],
    ['is of another issuer', () => Response.json({ ...upstream.metadata, issuer: 'https://evil.test' })],
    ['leads inside', () => Response.json({ ...upstream.metadata, token_endpoint: 'https://169.254.169.254/token' })],
    ['leads to http', () => Response.json({ ...upstream.metadata, jwks_uri: 'http://idp.test/jwks' })],
  ])('%s: an enabled one is not saved, a disabled one is kept with its fault', async (_, metadata) => {
    upstream.faults.metadata = metadata
    const faults = await faultsOf('i09', upstream.record())
    expect(faults.metadata_endpoint).toMatch(/./)
    expect((await ask('GET identity-providers/i09')).status).toBe(404)

    const { body } = await put('i09', upstream.record({ enabled: false }))
    expect(body).toMatchObject({ enabled: false, metadata: null, metadata_fetched_at: null })
    expect(body.metadata_fault).toBe(faults.metadata_endpoint)
    expect((await put('i09', { enabled: true })).status).toBe(400)

    upstream.faults = {}
    const mended = await put('i09', { enabled: true })
    expect(mended.body).toMatchObject({ enabled: true, metadata: { issuer: upstream.issuer }, metadata_fault: null })
    await ask('DELETE identity-providers/i09')
  })

  it('another address that fails leaves nothing of the one before', async () => {
    await put('moved', upstream.record({ enabled: false }))
    const { body } = await put('moved', { metadata_endpoint: 'https://nobody.test/.well-known/openid-configuration' })
    expect(body).toMatchObject({ metadata: null, metadata_fetched_at: null })
    expect(body.metadata_fault).toContain('nobody.test')
    expect(await rows("select jwks from identity_providers where provider_id = 'moved'")).toEqual([{ jwks: null }])
  })
})

describe('presets', () => {
  it('GitHub needs an id and a secret, nothing is fetched', async () => {
    const { status, body } = await put('github', github)
    expect(status).toBe(201)
    expect(body).toMatchObject({
      name: 'GitHub',
      kind: 'oauth2',
      metadata: {
        authorization_endpoint: 'https://github.com/login/oauth/authorize',
        token_endpoint: 'https://github.com/login/oauth/access_token',
        userinfo_endpoint: 'https://api.github.com/user',
        code_challenge_methods_supported: ['S256'],
      },
      token_endpoint_auth_method: 'client_secret_post',
      scopes: ['read:user', 'user:email'],
    })
    expect(body.claims).toContain('login')
    expect((await put('github', { ...github, name: 'Octocat' })).body.name).toBe('Octocat')
    expect((await put('github', github)).body.name, 'a preset says nothing to a record that exists').toBe('Octocat')
  })

  it('what the body states goes first', async () => {
    const { body } = await put('facebook', { ...github, preset: 'facebook', name: 'FB', scopes: ['email'] })
    expect(body).toMatchObject({
      name: 'FB',
      scopes: ['email'],
      user_template: { given_name: { claim: 'first_name' } },
    })
  })

  it('of OpenID Providers name where their metadata is', async () => {
    for (const preset of ['google', 'entra']) {
      const { body } = await put(preset, { ...github, preset, enabled: false })
      expect(body.metadata_fault, 'the tests are offline').toMatch(/metadata endpoint/)
      expect(body.metadata_endpoint).toMatch(/^https:.*\/\.well-known\/openid-configuration$/)
    }
    const { items } = (await ask('GET identity-provider-presets')).body
    expect(items.map((each: { preset: string }) => each.preset)).toEqual(['github', 'facebook', 'google', 'entra'])
  })

  it('a provider of kind oauth2 states its endpoints', async () => {
    const record = { kind: 'oauth2', client_id: 'a', client_secret: 'b' }
    expect(await faultsOf('own', record)).toMatchObject({ endpoints: expect.stringMatching(/is missing/) })
    const endpoints = {
      authorization_endpoint: 'https://own.example.com/authorize',
      token_endpoint: 'http://own.example.com/token',
      userinfo_endpoint: 'https://localhost/me',
    }
    expect(Object.keys(await faultsOf('own', { ...record, endpoints }))).toEqual([
      'endpoints.token_endpoint',
      'endpoints.userinfo_endpoint',
    ])
    const mended = {
      ...endpoints,
      token_endpoint: 'https://own.example.com/token',
      userinfo_endpoint: 'https://own.example.com/me',
    }
    const { body } = await put('own', { ...record, endpoints: mended })
    expect(body.metadata).toEqual({ issuer: 'https://own.example.com', ...mended })
    expect((await ask('POST identity-providers/own/reload')).status).toBe(409)
  })
})

it('references to groups and tenants that exist are taken', async () => {
  await ask('PUT tenants/acme', { name: 'Acme' })
  await ask('PUT groups/staff', { name: 'Staff' })
  const { status } = await put('mapped', {
    ...upstream.record(),
    provisioning_enabled: true,
    user_template: {
      tenant_id: { claim: 'iss', default: 'acme' },
      'claims.department': { claim: 'dept', default: 'None' },
    },
    value_mappings: [{ field: 'tenant_id', claim_value: upstream.issuer, value: 'acme', priority: 1 }],
    group_mappings: [{ group_id: 'staff' }, { group_id: 'staff', when: { claim: 'groups', value: 'x' } }],
  })
  expect(status).toBe(201)
})

it('D07 the secret is sealed for its purpose under WRAP_KEY', async () => {
  await put('sealed', upstream.record({ client_secret: 'the very secret' }))
  const [row] = await rows<{ s: string }>(
    "select sealed_client_secret as s from identity_providers where provider_id = 'sealed'",
  )
  const opened = await aDeployment().issuer.keyWrapper.open('provider-secret', row?.s ?? '')
  expect(new TextDecoder().decode(opened)).toBe('the very secret')
})
