import { env } from 'cloudflare:workers'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hashPassword, verifyPassword } from '../../../src/crypto/password-hash.ts'
import { deploymentOf } from '../../../src/request/deployment.ts'
import { openDatabase } from '../../../src/storage/database.ts'
import { findPersonByLogin } from '../../../src/storage/users.ts'
import { noon } from '../../context.ts'
import { type Answer, ask, newChanges, recordingSubjects, rows, start } from '../context.ts'

interface Row {
  version: number
  not_before: number
  password_hash: string | null
  subject_ref: string
}

const { pepper } = deploymentOf(env)
const storedUser = async (userId: string): Promise<Row> => {
  const [row] = await rows<Row>('select * from users where user_id = ?', userId)
  if (!row) throw new Error(`no user ${userId}`)
  return row
}
const minute = 60_000

beforeAll(async () => {
  await ask('PUT tenants/acme', { name: 'Acme' })
  for (const name of ['staff', 'admins']) await ask(`PUT groups/${name}`, { name: `The ${name}` })
})

beforeEach(async () => {
  await env.DB.prepare('delete from users').run()
  await env.DB.prepare('delete from deleted_subjects').run()
  await newChanges()
})

describe('a new user', () => {
  it('has its user_id as login name and subject, a random address, and defaults', async () => {
    const { status, body } = await ask('PUT users/Alice', {})
    expect(status).toBe(201)
    expect(body).toMatchObject({
      user_id: 'Alice',
      login_name: 'alice',
      sub: 'Alice',
      enabled: true,
      service_account: false,
      email_verified: false,
      has_password: false,
      groups: [],
      claims: {},
      version: 1,
      not_before: null,
      created_at: new Date(noon).toISOString(),
    })
    expect(body).not.toHaveProperty('subject_ref')
    expect(body).not.toHaveProperty('password_hash')
    await ask('PUT users/bob', {})
    const references = [(await storedUser('Alice')).subject_ref, (await storedUser('bob')).subject_ref]
    expect(new Set(references).size).toBe(2)
    for (const reference of references) expect(reference).toMatch(/^[\w-]{22}$/)
    expect(await newChanges()).toEqual([])
  })

  it('can sign in with what the operator wrote', async () => {
    const { body } = await ask('PUT users/alice', {
      login_name: ' ALICE@Example.com ',
      password: 'correct horse battery',
      name: 'Alice Example',
      email: 'alice@example.com',
      email_verified: true,
      tenant_id: 'acme',
      groups: ['staff', 'admins', 'staff'],
      claims: { nickname: 'Al', address: { country: 'NL' }, 'https://example.com/level': 3 },
    })
    expect(body).toMatchObject({ login_name: 'alice@example.com', has_password: true, groups: ['admins', 'staff'] })
    const found = await findPersonByLogin(openDatabase(env.DB), 'alice@example.com')
    expect(await verifyPassword('correct horse battery', found?.password_hash ?? '', pepper)).toBe('match')
    expect(found?.person.claims).toEqual({
      name: 'Alice Example',
      preferred_username: 'alice@example.com',
      email: 'alice@example.com',
      email_verified: true,
      groups: ['The admins', 'The staff'],
      nickname: 'Al',
      address: { country: 'NL' },
      'https://example.com/level': 3,
      updated_at: start / 1000,
    })
  })

  it.each([
    ['$scrypt$ln=14,r=8,p=5$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 201],
    ['$pbkdf2-sha256$i=100000$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 201],
    ['$pbkdf2-sha256$i=600000$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 400],
    ['$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$AAAA', 400],
    ['hunter2-in-the-clear', 400],
  ])('P07 password_hash %s is answered %d', async (password_hash, status) => {
    expect((await ask('PUT users/alice', { password_hash })).status).toBe(status)
  })
})

describe('the subject identifier', () => {
  it('is fixed at creation', async () => {
    expect((await ask('PUT users/alice', { sub: 'a-1' })).body.sub).toBe('a-1')
    expect((await ask('PUT users/alice', { sub: 'a-1' })).status).toBe(200)
    expect((await ask('PUT users/alice', { sub: 'a-2' })).body.fields.sub).toMatch(/fixed/)
  })

  it('is never inherited, neither from the living nor from the deleted', async () => {
    await ask('PUT users/alice', { sub: 'a-1' })
    expect((await ask('PUT users/a-1', {})).body.fields.sub).toMatch(/belongs to the user alice/)
    expect((await ask('DELETE users/alice')).status).toBe(204)
    expect((await ask('PUT users/a-1', {})).body.fields.sub).toMatch(/deleted user/)
    expect((await ask('PUT users/alice', { sub: 'a-1' })).body.fields.sub).toMatch(/deleted user/)
    expect((await ask('PUT users/alice', { sub: 'a-2' })).status).toBe(201)
  })

  it('OIDC Core 2: 1 to 255 characters of ASCII', async () => {
    for (const sub of ['', 'é', 'a\nb', 'x'.repeat(256)]) {
      expect(Object.keys((await ask('PUT users/alice', { sub })).body.fields), sub).toEqual(['sub'])
    }
    expect((await ask('PUT users/alice', { sub: 'x'.repeat(255) })).status).toBe(201)
  })
})

describe('every faulty field is named', () => {
  it.each([
    [{ login_name: '  ' }, 'login_name'],
    [{ login_name: 'al\u200bice' }, 'login_name'],
    [{ email: 'a@b@c' }, 'email'],
    [{ email: 'alice' }, 'email'],
    [{ name: 'Alice\r\nAdmin' }, 'name'],
    [{ locale: 'not a locale' }, 'locale'],
    [{ zoneinfo: 'Europe Amsterdam' }, 'zoneinfo'],
    [{ password: 'short' }, 'password'],
    [{ password: 'x'.repeat(257) }, 'password'],
    [{ groups: ['staff', 'nobody'] }, 'groups'],
    [{ tenant_id: 'nowhere' }, 'tenant_id'],
    [{ enabled: 'yes' }, 'enabled'],
    [{ admin: true }, 'admin'],
    [{ claims: { sub: 'bob' } }, 'claims.sub'],
    [{ claims: { iss: 'https://evil.test' } }, 'claims.iss'],
    [{ claims: { aud: 'x' } }, 'claims.aud'],
    [{ claims: { amr: ['mfa'] } }, 'claims.amr'],
    [{ claims: { email: 'a@b.c' } }, 'claims.email'],
    [{ claims: { groups: ['admins'] } }, 'claims.groups'],
    [{ claims: { constructor: 'x' } }, 'claims.constructor'],
    [{ claims: { 'a b': 'x' } }, 'claims.a b'],
    [{ claims: { birthdate: '31-12-1999' } }, 'claims.birthdate'],
    [{ claims: { birthdate: '1999-02-30' } }, 'claims.birthdate'],
    [{ claims: { phone_number: '+31', phone_number_verified: 'true' } }, 'claims.phone_number_verified'],
    [{ claims: { phone_number_verified: true } }, 'claims.phone_number_verified'],
    [{ claims: { address: 'Main Street' } }, 'claims.address'],
    [{ claims: { address: { planet: 'Earth' } } }, 'claims.address'],
    [{ claims: { picture: 'javascript:alert(1)' } }, 'claims.picture'],
    [{ claims: { nickname: null } }, 'claims.nickname'],
    [{ claims: { big: 'x'.repeat(20_000) } }, 'claims..'],
  ])('%j', async (body, field) => {
    const { status, body: problem } = await ask('PUT users/alice', body)
    expect(status).toBe(400)
    expect(Object.keys(problem.fields)).toEqual([field])
    expect(await rows('select 1 from users')).toEqual([])
  })

  it.each(['1999-12-31', '0000-02-29', '1999'])('OIDC Core 5.1 birthdate may be %s', async (birthdate) => {
    expect((await ask('PUT users/alice', { claims: { birthdate } })).status).toBe(201)
  })

  it('I18 two users cannot share a login name in any spelling', async () => {
    await ask('PUT users/alice', {})
    const { status, body } = await ask('PUT users/mallory', { login_name: 'ＡＬＩＣＥ' })
    expect(status).toBe(409)
    expect(body.title).toMatch(/login_name/)
  })
})

describe('an update', () => {
  it('D10 leaves what it does not name, clears what it names null, and is one version more', async () => {
    await ask('PUT users/alice', { name: 'Alice', email: 'a@example.com', email_verified: true, groups: ['staff'] })
    const { status, body } = await ask('PUT users/alice', { name: null }, { now: start + minute })
    expect(status).toBe(200)
    expect(body).toMatchObject({ name: null, email: 'a@example.com', email_verified: true, groups: ['staff'] })
    expect(body.version).toBeGreaterThan(1)
  })

  it('I15 another e-mail address is not verified because the last one was', async () => {
    await ask('PUT users/alice', { email: 'a@example.com', email_verified: true })
    expect((await ask('PUT users/alice', { email: 'b@example.com' })).body.email_verified).toBe(false)
  })

  it('that changes nothing writes nothing, a password included', async () => {
    const whole = { name: 'Alice', password: 'correct horse battery', groups: ['staff'], claims: { nickname: 'Al' } }
    await ask('PUT users/alice', whole)
    const before = await storedUser('alice')
    const audited = (await rows('select 1 from audit_events')).length
    const subjects = recordingSubjects()
    const { status, body } = await ask('PUT users/alice', whole, { ...subjects, now: start + minute })
    expect([status, body.version, body.pushed]).toEqual([200, 1, true])
    expect(await storedUser('alice')).toEqual(before)
    expect(subjects.told).toEqual([])
    expect(await rows('select 1 from audit_events')).toHaveLength(audited)
  })
})

describe('the order of writes', () => {
  const password_hash = '$scrypt$ln=14,r=8,p=5$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
  const takingAway: [string, string, unknown][] = [
    ['disabling', 'PUT users/alice', { enabled: false }],
    ['a new password', 'PUT users/alice', { password_hash }],
    ['setting a password', 'POST users/alice/password', { password: 'another good one' }],
    ['making it a service account', 'PUT users/alice', { service_account: true }],
    ['removing a group', 'PUT users/alice', { groups: ['staff'] }],
    ['moving to another tenant', 'PUT users/alice', { tenant_id: 'acme' }],
    ['sign-out', 'POST users/alice/sign-out', undefined],
    ['deletion', 'DELETE users/alice', undefined],
  ]

  it.each(takingAway)(
    'S10 %s is refused when the Subject does not answer, and nothing is changed',
    async (_, line, body) => {
      await ask('PUT users/alice', { groups: ['staff', 'admins'] })
      const before = await storedUser('alice')
      const answer = await ask(line, body, { ...recordingSubjects(1), now: start + minute })
      expect(answer.status).toBe(503)
      expect(answer.headers.get('retry-after')).toBe('2')
      expect(await storedUser('alice')).toEqual(before)
    },
  )

  it.each(takingAway)('S10 %s reaches the Subject with a higher version', async (_, line, body) => {
    await ask('PUT users/alice', { groups: ['staff', 'admins'] })
    const { subject_ref } = await storedUser('alice')
    const subjects = recordingSubjects()
    expect((await ask(line, body, { ...subjects, now: start + minute })).status).toBeLessThan(300)
    expect(subjects.told).toHaveLength(1)
    expect(subjects.told[0]?.ref).toBe(subject_ref)
    expect(subjects.told[0]?.person.version).toBeGreaterThan(1)
  })

  it('a change that failed half-way does not hide the next one from the Subject', async () => {
    await ask('PUT users/alice', {})
    const brokenBatch = {
      withSession: () => Object.assign(env.DB.withSession(), { batch: () => Promise.reject(new Error('down')) }),
    }
    const first = recordingSubjects()
    const half = await ask(
      'PUT users/alice',
      { enabled: false },
      { env: { ...first.env, DB: brokenBatch as never }, now: start + 1 },
    )
    expect([half.status, first.told.length]).toEqual([503, 1])
    const second = recordingSubjects()
    await ask('POST users/alice/sign-out', undefined, { ...second, now: start + 2 })
    expect(second.told[0]?.person.version).toBeGreaterThan(first.told[0]?.person.version ?? 0)
  })

  it('S11 a new password, disabling and sign-out end what began before, also when the account comes back', async () => {
    let now = start
    for (const [line, body] of [
      ['PUT users/alice', { password: 'correct horse battery' }],
      ['PUT users/alice', { enabled: false }],
      ['POST users/alice/sign-out', undefined],
      ['POST users/alice/password', { password: 'correct horse battery' }],
    ] as const) {
      await ask('PUT users/alice', { enabled: true }, { now })
      now += minute
      await ask(line, body, { now })
      expect((await storedUser('alice')).not_before, line).toBe(now)
    }
    await ask('PUT users/alice', { enabled: true }, { now: now + minute })
    expect((await storedUser('alice')).not_before).toBe(now)
  })

  it('deletion tells the Subject a disabled person without claims', async () => {
    await ask('PUT users/alice', { name: 'Alice', email: 'a@example.com' })
    const subjects = recordingSubjects()
    await ask('DELETE users/alice', undefined, { ...subjects, now: start + minute })
    expect(subjects.told[0]?.person).toMatchObject({ enabled: false, not_before: start + minute, claims: {} })
    expect((await ask('DELETE users/alice')).status).toBe(404)
  })

  const giving = ['PUT users/alice', { name: 'Alice A.', groups: ['staff'] }] as const

  it('every other change is pushed after D1, twice if need be', async () => {
    await ask('PUT users/alice', {})
    const subjects = recordingSubjects(1)
    const { status, body } = await ask(...giving, { ...subjects, now: start + minute })
    expect([status, body.pushed]).toEqual([200, true])
    expect(subjects.told[0]?.person).toMatchObject({
      version: body.version,
      claims: { name: 'Alice A.', groups: ['The staff'] },
    })
  })

  it('and says so when the Subject acknowledges neither', async () => {
    await ask('PUT users/alice', {})
    const { status, body } = await ask(...giving, { ...recordingSubjects(2), now: start + minute })
    expect([status, body.pushed, body.name]).toEqual([200, false, 'Alice A.'])
  })

  it('two operators at once: both changes arrive, none is lost', async () => {
    await ask('PUT users/alice', {})
    const answers = await Promise.all([
      ask('PUT users/alice', { name: 'Alice' }, recordingSubjects()),
      ask('PUT users/alice', { gender: 'female' }, recordingSubjects()),
    ])
    expect(answers.map((answer: Answer) => answer.status)).toEqual([200, 200])
    expect((await ask('GET users/alice')).body).toMatchObject({ name: 'Alice', gender: 'female' })
  })
})

describe('clients linked to the user', () => {
  beforeEach(async () => {
    await ask('PUT users/robot', { service_account: true })
    await ask('PUT clients/m2m', { grant_types: ['client_credentials'], linked_user: 'robot' })
    await newChanges()
  })

  it('S10 hear of it when it is disabled or deleted, and only then', async () => {
    await ask('PUT users/robot', { name: 'Robot' }, recordingSubjects())
    expect(await newChanges()).toEqual([])
    await ask('PUT users/robot', { enabled: false }, recordingSubjects())
    expect(await newChanges()).toEqual(['client m2m'])
    await ask('DELETE users/robot', undefined, recordingSubjects())
    expect(await newChanges()).toEqual(['client m2m'])
    expect((await ask('GET clients/m2m')).body.linked_user).toBeNull()
  })
})

describe('groups', () => {
  beforeEach(async () => {
    await ask('PUT groups/team', { name: 'Team' })
    for (const name of ['alice', 'bob'])
      await ask(`PUT users/${name}`, { groups: ['team', 'staff'] }, recordingSubjects())
  })

  it('renaming one renames it in the claims of its members', async () => {
    const subjects = recordingSubjects()
    const { body } = await ask('PUT groups/team', { name: 'Crew' }, { ...subjects, now: start + minute })
    expect(body).toEqual({ group_id: 'team', name: 'Crew', tenant_id: null, pushed: true })
    expect(subjects.told.map(({ person }) => [person.user_id, person.claims.groups])).toEqual([
      ['alice', ['Crew', 'The staff']],
      ['bob', ['Crew', 'The staff']],
    ])
    const versions = subjects.told.map(({ person }) => person.version)
    expect(versions).toEqual([(await storedUser('alice')).version, (await storedUser('bob')).version])
  })

  it('S10 deleting one takes it from its members first', async () => {
    expect((await ask('DELETE groups/team', undefined, { ...recordingSubjects(1), now: start + minute })).status).toBe(
      503,
    )
    expect((await ask('GET groups/team')).status).toBe(200)
    const subjects = recordingSubjects()
    const { body } = await ask('DELETE groups/team', undefined, { ...subjects, now: start + minute })
    expect(body).toEqual({ pushed: true })
    expect(subjects.told.map(({ person }) => person.claims.groups)).toEqual([['The staff'], ['The staff']])
    expect(subjects.told[0]?.person.version).toBe((await storedUser('alice')).version)
    expect((await ask('GET users/alice')).body.groups).toEqual(['staff'])
  })
})

describe('administrators', () => {
  it('the first one is made by the operator', async () => {
    expect((await ask('PUT administrators/alice', { role: 'main_administrator' })).body.fields).toEqual({
      user_id: 'is not a user',
    })
    await ask('PUT users/alice', {})
    expect((await ask('PUT administrators/alice', { role: 'king' })).body.fields.role).toMatch(/must be one of/)
    expect((await ask('PUT administrators/alice', { role: 'main_administrator' })).status).toBe(201)
    expect((await ask('PUT administrators/alice', { role: 'auditor' })).status).toBe(200)
    expect((await ask('GET administrators')).body.items).toEqual([{ user_id: 'alice', role: 'auditor' }])
    expect((await ask('DELETE administrators/alice')).status).toBe(204)
    expect((await ask('GET administrators/alice')).status).toBe(404)
  })
})

it('lists users page by page', async () => {
  for (const name of ['a', 'b', 'c']) await ask(`PUT users/${name}`, {})
  const first = await ask('GET users?limit=2')
  expect(first.body.items.map((user: { user_id: string }) => user.user_id)).toEqual(['a', 'b'])
  const second = await ask(`GET users?limit=2&after=${first.body.next}`)
  expect(second.body).toMatchObject({ items: [{ user_id: 'c' }], next: null })
  for (const limit of ['0', '-1', '501', 'x']) expect((await ask(`GET users?limit=${limit}`)).status).toBe(400)
})

it('hashes passwords under the pepper of the deployment', async () => {
  await ask('PUT users/alice', { password: 'correct horse battery' })
  const { password_hash } = await storedUser('alice')
  expect(password_hash).not.toBe(await hashPassword('correct horse battery', pepper))
  expect(await verifyPassword('correct horse battery', password_hash ?? '', pepper)).toBe('match')
})
