// What travels sealed through pages and providers: the parsed request, read in the version of an older deploy too, and no larger than before.
import { beforeAll, describe, expect, it } from 'vitest'
import { fromUtf8, utf8 } from '../../src/crypto/encoding.ts'
import type { SealPurpose } from '../../src/crypto/seal.ts'
import { clientHint } from '../../src/worker/client-hint.ts'
import { aDeployment } from '../context.ts'
import { anUpstream, type FakeUpstream } from '../fakes/upstream.ts'
import { authorizeUrl, issuer, operator, type Parameters, password, redirectOf, setUp } from '../provider.ts'
import type { Browser, Page } from '../user-agent.ts'
import { browser, expectBack, expectCode, isLogin } from '../watched.ts'
import { redirectToProvider, saveProvider } from './external/external.ts'

const place = aDeployment().issuer
const { sealer } = place
let corp: FakeUpstream

beforeAll(async () => {
  await setUp()
  corp = await anUpstream({ host: 'corp.test' })
  await saveProvider(corp, 'corp')
})

type Content = Record<string, unknown>

async function opened(purpose: SealPurpose, sealed: string | null): Promise<Content> {
  const bytes = await sealer.open(purpose, sealed ?? '')
  if (!bytes) throw new Error('not sealed here')
  return JSON.parse(fromUtf8(bytes)) as Content
}
const sealedAgain = (purpose: SealPurpose, content: Content) => sealer.seal(purpose, utf8(JSON.stringify(content)))
const interactionOf = (page: Page) => new URL(page.url).searchParams.get('interaction')
const parametersOf = (parameters: Parameters) => new URL(authorizeUrl(parameters)).searchParams.toString()

/** The login page of a request as an older deploy addressed it, with the raw parameters in its interaction. */
async function olderLogin(user: Browser, parameters: Parameters, changes: Content = {}): Promise<string> {
  const page = await user.open(authorizeUrl(parameters))
  const { id, started_at, browser } = await opened('interaction', interactionOf(page))
  const older = { v: 1, id, started_at, parameters: parametersOf(parameters), browser, ...changes }
  return `${issuer}/account/login?interaction=${await sealedAgain('interaction', older)}`
}

describe('an interaction', () => {
  it('holds the parsed request and no raw parameter', async () => {
    const page = await browser().open(authorizeUrl({ scope: 'openid email nope', foo: 'bar', idp: 'gone' }))
    const content = await opened('interaction', interactionOf(page))
    expect(content).toMatchObject({
      v: 2,
      request: { client_id: 'web', scope: 'openid email nope', idp: 'gone' },
    })
    expect(JSON.stringify(content)).not.toContain('bar')
  })

  it('of an older deploy is finished', async () => {
    const user = browser()
    const page = await user.open(await olderLogin(user, { state: 'older', scope: 'openid email' }))
    expect(isLogin(page)).toBe(true)
    const target = redirectOf(await user.submit(page, { username: 'ada', password }))
    expect(target.searchParams.get('state')).toBe('older')
    expect(target.searchParams.get('code')).toBeTruthy()
  })

  it('of an older deploy is validated: what is refused now goes to the client', async () => {
    const user = browser()
    const parameters = parametersOf({ response_type: 'token', state: 'older' })
    expectBack(await user.open(await olderLogin(user, {}, { parameters })), 'unsupported_response_type', 'older')
  })

  it('of an older deploy that took too long begins the same request again', async () => {
    const user = browser()
    const page = await user.open(await olderLogin(user, { state: 'older' }, { started_at: Date.now() - 7_200_000 }))
    expect(page.status).toBe(400)
    expect(page.html).toContain('state=older')
  })

  it('of a version that is not known is refused', async () => {
    const user = browser()
    expect((await user.open(await olderLogin(user, {}, { v: 3 }))).status).toBe(403)
  })

  it('names its client to a cold isolate, in both versions', async () => {
    const hintOf = (parameters: URLSearchParams) => clientHint(new Request(issuer), parameters, place)
    const user = browser()
    const page = await user.open(authorizeUrl())
    expect(await hintOf(new URL(page.url).searchParams)).toBe('web')
    expect(await hintOf(new URL(await olderLogin(user, {})).searchParams)).toBe('web')
    const there = await redirectToProvider(browser(), 'corp')
    const state = there.searchParams.get('state') ?? ''
    expect(await hintOf(new URLSearchParams({ state }))).toBe('web')
  })

  const claims = JSON.stringify({
    userinfo: { email: null, name: { essential: true } },
    id_token: { acr: { essential: true, values: ['1', '2'] }, email: null },
  })
  it.each<[string, Parameters]>([
    ['a plain request', {}],
    ['a long state', { state: 'x'.repeat(5000) }],
    ['a state of letters beyond ASCII', { state: 'é'.repeat(900) }],
    ['a state of JSON', { state: JSON.stringify(Array.from({ length: 90 }, (_, index) => ({ [`k${index}`]: 'v' }))) }],
    ['claims', { claims }],
    ['many scopes', { scope: `openid ${Array.from({ length: 300 }, (_, index) => `scope${index}`).join(' ')}` }],
    [
      'everything',
      {
        ...{ nonce: 'n'.repeat(43), code_challenge: 'a'.repeat(43), code_challenge_method: 'S256', max_age: '60' },
        ...{ prompt: 'login consent', login_hint: 'ada@example.test', ui_locales: 'nl en', acr_values: '1 2', claims },
      },
    ],
  ])('is no larger than with its parameters: %s', async (_, parameters) => {
    const page = await browser().open(authorizeUrl(parameters))
    const { request } = await opened('interaction', interactionOf(page))
    const before = JSON.stringify({ parameters: parametersOf(parameters) }).length
    expect(utf8(JSON.stringify({ request })).length).toBeLessThanOrEqual(before)
  })

  it('takes the longest state that it took when it held parameters', async () => {
    // 8 KB sealed are 6,114 bytes. The members of an interaction took 136 of them, the other parameters 93.
    expect(isLogin(await browser().open(authorizeUrl({ state: 'x'.repeat(5885) })))).toBe(true)
    expectBack(await browser().open(authorizeUrl({ state: 'x'.repeat(6000) })), 'invalid_request', 'x'.repeat(6000))
  })
})

describe('the state of a sign-in at an external provider', () => {
  it('of an older deploy is finished', async () => {
    await operator('PATCH', 'settings', { allow_local_accounts: true })
    const user = browser()
    corp.user = { sub: 'ada', name: 'Ada Upstream' }
    const there = await redirectToProvider(user, 'corp')
    const content = await opened('external-state', there.searchParams.get('state'))
    const { request, ...interaction } = content.interaction as Content
    expect(request).toMatchObject({ client_id: 'web' })
    expect(content.v).toBe(2)
    const older = { ...content, v: 1, interaction: { ...interaction, parameters: parametersOf({}) } }
    there.searchParams.set('state', await sealedAgain('external-state', older))
    expectCode(await user.open(corp.approve(there)))
  })
})
