import { describe, expect, it } from 'vitest'
import demo from '../../../seeds/demo.json'
import example from '../../../seeds/external-providers.json'
import { parseSeed, pathsOf, requestsOf, type Seed, validateSeed } from '../../../src/admin/seed/seed-file.ts'
import { ask, newChanges, rows } from '../context.ts'

const issuer = 'https://id.test'
const variables = {
  AUTHORITY_URL: issuer,
  DEMO_PASSWORD: 'bafose-minoru-tekadu-lipovi',
  DEMO_CLIENT_SECRET: 'R3pYq0vB7tLxN5zKc2HsWf9dJm8gUa4eTo6iPy1XbQk',
}

/** A variable inside a text. */
const within = (name: string): string => `$\{${name}}`

const faultsOf = (document: unknown): Record<string, string> => {
  const result = parseSeed(typeof document === 'string' ? document : JSON.stringify(document), variables)
  return 'faults' in result ? result.faults : {}
}

async function readStored(seed: Seed) {
  const stored = new Map<string, Record<string, unknown> | undefined>()
  for (const path of pathsOf(seed)) {
    const { status, body } = await ask(`GET ${path}`)
    stored.set(path, status === 200 ? body : undefined)
  }
  return stored
}

async function judge(document: unknown): Promise<Record<string, string>> {
  const result = parseSeed(JSON.stringify(document), variables)
  if ('faults' in result) throw new Error(JSON.stringify(result.faults))
  return validateSeed(result.seed, await readStored(result.seed), issuer)
}

describe('the demo data', () => {
  it('is a seed file without faults that the interface takes in its order, and taking it twice changes nothing', async () => {
    const result = parseSeed(JSON.stringify(demo), variables)
    if ('faults' in result) throw new Error(JSON.stringify(result.faults))
    expect(await validateSeed(result.seed, await readStored(result.seed), issuer)).toEqual({})
    for (const { method, path, body, name } of requestsOf(result.seed)) {
      const answer = await ask(`${method} ${path}`, body)
      expect([name, answer.status]).toEqual([name, 201])
    }
    await newChanges()
    const audited = (await rows('select 1 from audit_events')).length
    for (const { method, path, body, name } of requestsOf(result.seed)) {
      const answer = await ask(`${method} ${path}`, body)
      expect([name, answer.status]).toEqual([name, 200])
    }
    expect(await newChanges()).toEqual([])
    expect(await rows('select 1 from audit_events')).toHaveLength(audited)
  })

  it('OIDC Core 5.1 has a user with every standard claim', async () => {
    const { body } = await ask('GET users/demo')
    const standard =
      'name given_name family_name middle_name nickname profile picture website gender birthdate zoneinfo locale email email_verified phone_number phone_number_verified address'
    const claims = { ...body, ...body.claims }
    for (const claim of standard.split(' ')) expect(claims[claim], claim).toBeTruthy()
  })
})

describe('every fault of a file is reported with its path', () => {
  it('those of form, all together', () => {
    expect(faultsOf('{"users": ')['.']).toMatch(/not JSON/)
    const faults = faultsOf({
      people: {},
      users: { alice: { enabled: 'yes', colour: 'red' }, 'a\nb': {} },
      clients: { web: { redirect_uris: ['javascript:alert(1)'], access_token_lifetime: 1 } },
      settings: { nonsense: 1 },
      administrators: { alice: { role: 'king' } },
    })
    expect(Object.keys(faults).sort()).toEqual([
      'administrators.alice.role',
      'clients.web.access_token_lifetime',
      'clients.web.redirect_uris.0',
      'people',
      'settings.nonsense',
      'users.a\nb',
      'users.alice.colour',
      'users.alice.enabled',
    ])
  })

  it('a variable that is nowhere set', () => {
    const faults = faultsOf({ users: { alice: { password: '$NOWHERE', name: `A ${within('ALSO_NOT')} B` } } })
    expect(Object.keys(faults)).toEqual(['users.alice.password', 'users.alice.name'])
    expect(faults['users.alice.password']).toMatch(/NOWHERE/)
  })

  it('those of rules and references, all together, and nothing is written', async () => {
    const faults = await judge({
      settings: { signing_algs: ['ES256'] },
      groups: { team: { tenant_id: 'nowhere' } },
      users: {
        alice: { groups: ['team', 'nobody'], claims: { sub: 'x', birthdate: 'soon' } },
        demo: { sub: 'another' },
      },
      administrators: { nobody: { role: 'auditor' } },
      clients: {
        web: { secrets: [{ value: 'secret' }], scopes: ['nothing', 'offline_access'] },
        m2m: { grant_types: ['client_credentials'], linked_user: 'nobody' },
      },
      resources: { api: { scopes: ['nothing'], introspection_client_id: 'nobody' } },
    })
    expect(Object.keys(faults).sort()).toEqual([
      'administrators.nobody',
      'clients.m2m.linked_user',
      'clients.web.redirect_uris',
      'clients.web.scopes',
      'clients.web.secrets.0.value',
      'groups.team.tenant_id',
      'resources.api.introspection_client_id',
      'resources.api.scopes',
      'settings.access_token_signing_alg',
      'settings.id_token_signing_alg',
      'settings.signing_algs',
      'users.alice.claims.birthdate',
      'users.alice.claims.sub',
      'users.alice.groups',
      'users.demo.sub',
    ])
    expect(await rows("select 1 from users where user_id = 'alice'")).toEqual([])
  })

  it('judges a change together with what is there', async () => {
    // The demo service has its linked user already, and another grant type is one more.
    expect(await judge({ clients: { 'demo-service': { access_token_lifetime: 300 } } })).toEqual({})
    expect(await judge({ clients: { 'demo-service': { linked_user: null } } })).toHaveProperty([
      'clients.demo-service.linked_user',
    ])
    expect(
      await judge({ clients: { playground: { secrets: [{ value: variables.DEMO_CLIENT_SECRET }] } } }),
    ).toHaveProperty(['clients.playground.secrets'])
  })
})

describe('variables', () => {
  it('stand for whole texts and parts of them; a password hash is left alone', () => {
    const hash = '$scrypt$ln=14,r=8,p=5$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
    const file = {
      users: { alice: { password_hash: hash }, bob: { password: '$DEMO_PASSWORD' } },
      clients: { web: { redirect_uris: [`${within('AUTHORITY_URL')}/cb`], client_name: 'Costs $5 or $AUTHORITY_URL' } },
    }
    const result = parseSeed(JSON.stringify(file), variables)
    expect(result).toMatchObject({
      seed: {
        users: { alice: { password_hash: hash }, bob: { password: variables.DEMO_PASSWORD } },
        clients: { web: { redirect_uris: ['https://id.test/cb'], client_name: 'Costs $5 or $AUTHORITY_URL' } },
      },
    })
  })
})

describe('external providers', () => {
  const idp = { kind: 'oauth2', preset: 'github', client_id: 'a', client_secret: 'b' }

  it('are written after what they name, and taken twice they change nothing', async () => {
    const document = {
      groups: { seeded: {} },
      identity_providers: { gh: { ...idp, group_mappings: [{ group_id: 'seeded' }] } },
    }
    expect(await judge(document)).toEqual({})
    const result = parseSeed(JSON.stringify(document), variables)
    if ('faults' in result) throw new Error(JSON.stringify(result.faults))
    for (const expected of [201, 200]) {
      await newChanges()
      const answers = []
      for (const { method, path, body } of requestsOf(result.seed))
        answers.push((await ask(`${method} ${path}`, body)).status)
      expect(answers).toEqual([expected, expected])
    }
    expect(await newChanges()).toEqual([])
    expect(await judge(document), 'a secret that is kept counts').toEqual({})
    const { client_secret, ...rest } = idp
    expect(await judge({ identity_providers: { gh: rest } })).toEqual({})
  })

  it('are judged before anything is written', async () => {
    const faults = await judge({
      identity_providers: {
        a: {
          client_id: 'a',
          metadata_endpoint: 'http://10.0.0.1/',
          client_secret: null,
          token_endpoint_auth_method: 'client_secret_post',
        },
        b: { ...idp, group_mappings: [{ group_id: 'nobody' }], user_template: { tenant_id: { default: 'nowhere' } } },
      },
    })
    expect(Object.keys(faults).sort()).toEqual([
      'identity_providers.a.client_secret',
      'identity_providers.a.metadata_endpoint',
      'identity_providers.b.group_mappings',
      'identity_providers.b.user_template.tenant_id.default',
    ])
  })

  it('D12 local accounts go off when the providers are there already, and on before them', () => {
    const requests = (allow_local_accounts: boolean) =>
      requestsOf({ settings: { allow_local_accounts, display_name: 'A' }, identity_providers: { gh: {} } } as Seed)
    expect(requests(false).map(({ name, body }) => [name, body])).toEqual([
      ['settings', { display_name: 'A' }],
      ['identity_providers.gh', {}],
      ['settings.allow_local_accounts', { allow_local_accounts: false }],
    ])
    expect(requests(true).map(({ name }) => name)).toEqual(['settings', 'identity_providers.gh'])
  })

  it('the example is a seed file without faults', async () => {
    const names = [...JSON.stringify(example).matchAll(/\$\{?([A-Z_]+)/g)].map(([, name = '']) => name)
    const values = Object.fromEntries(names.map((name) => [name, 'a-value']))
    const result = parseSeed(JSON.stringify(example), values)
    if ('faults' in result) throw new Error(JSON.stringify(result.faults))
    expect(await validateSeed(result.seed, await readStored(result.seed), issuer)).toEqual({})
    for (const provider of Object.values(result.seed.identity_providers ?? {})) expect(provider.enabled).toBe(false)
  })
})
