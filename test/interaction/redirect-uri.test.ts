// redirect_uri at the authorization endpoint and at registration (SECURITY-CASES A02, A03, A05, A06).
import { beforeAll, describe, expect, it } from 'vitest'
import {
  authorizeUrl,
  codeFor,
  issuer,
  operator,
  operatorToken,
  password,
  redirectOf,
  redirectUri,
  setUp,
} from '../provider.ts'
import { pkce } from '../user-agent.ts'
import { authorizeWithoutSession, browser, expectPage, reach } from '../watched.ts'

const loopback = 'http://127.0.0.1/cb'
/** With a session: the code would be ready. */
const user = browser()

beforeAll(async () => {
  await setUp()
  await operator('PUT', 'clients/native', {
    client_name: 'Native',
    grant_types: ['authorization_code'],
    redirect_uris: [loopback, 'http://[::1]/cb', 'http://localhost:5000/', 'com.example.app:/cb'],
    token_endpoint_auth_method: 'none',
    scopes: [],
  })
  await codeFor(user)
})

describe('A02', () => {
  it.each([
    ['of somebody else', 'https://evil.test/cb'],
    ['of another client', 'https://spa.test/'],
    ['missing, with openid', undefined],
    ['empty', ''],
  ])('a redirect_uri that is %s is shown as an error', async (_, redirect_uri) => {
    for (const answer of [
      await user.fetch(authorizeUrl({ redirect_uri })),
      await authorizeWithoutSession({ redirect_uri }),
    ]) {
      expect(await expectPage(answer)).not.toContain('evil.test')
    }
  })

  it('missing, without openid, is no better, though the client has only one', async () => {
    await expectPage(await user.fetch(authorizeUrl({ redirect_uri: undefined, scope: 'profile' })))
  })
})

const mutations = [
  'https://rp.test/cb/',
  'https://rp.test/cb//',
  'https://rp.test//cb',
  'https://rp.test/CB',
  'https://rp.test/Cb',
  'https://RP.TEST/cb',
  'HTTPS://rp.test/cb',
  'https://rp.test:443/cb',
  'https://rp.test:/cb',
  'https://rp.test:8443/cb',
  'https://rp.test:80/cb',
  'http://rp.test/cb',
  'https://rp.test/%63b',
  'https://rp.test/%63%62',
  'https://rp.test/cb%20',
  'https://rp.test/cb%00',
  'https://rp.test/cb%0a',
  'https://rp.test/cb%2f',
  'https://rp.test/x/../cb',
  'https://rp.test/./cb',
  'https://rp.test/cb/.',
  'https://rp.test/cb/..',
  'https://rp.test/x/%2e%2e/cb',
  'https://rp.test/cb/../../evil',
  'https://rp.test/cb;x',
  'https://rp.test/cb.html',
  'https://rp.test/cbx',
  'https://rp.test/c',
  'https://rp.test/',
  'https://rp.test',
  'https://rp.test/cb?',
  'https://rp.test/cb?a=1',
  'https://rp.test/cb?code=x',
  'https://rp.test/cb&a=1',
  'https://rp.test/cb#',
  'https://rp.test/cb#f',
  'https://rp.test/cb#@evil.test/',
  'https://rp.test/cb ',
  ' https://rp.test/cb',
  'https://rp.test/cb\t',
  'https://rp.test/\tcb',
  'https://rp.test/cb\r\n',
  'https://rp.test/cb\r\nSet-Cookie: a=b',
  '\nhttps://rp.test/cb',
  'https://rp.test/cb\u00a0',
  'https://rp.test/cb\u200b',
  'https://rp.test/\u0441b',
  'https://rp\u3002test/cb',
  'https://rp.test\uff0fcb',
  'https://\uff52p.test/cb',
  'https:/rp.test/cb',
  'https:rp.test/cb',
  'https:///rp.test/cb',
  'https:\\\\rp.test\\cb',
  'https://rp.test\\cb',
  'https://rp.test/cb\\',
  '//rp.test/cb',
  '/cb',
  'cb',
  'rp.test/cb',
  'https://rp.test./cb',
  'https://rp.test.evil.test/cb',
  'https://rp.testevil.test/cb',
  'https://evil-rp.test/cb',
  'https://sub.rp.test/cb',
  'https://rpxtest/cb',
  'https://rp.test@evil.test/cb',
  'https://rp.test:x@evil.test/cb',
  'https://evil.test#https://rp.test/cb',
  'https://evil.test?https://rp.test/cb',
  'https://evil.test\\@rp.test/cb',
  'https://evil.test/https://rp.test/cb',
  'https://user@rp.test/cb',
  'https://user:pw@rp.test/cb',
  'https://rp.test/cb,https://evil.test/cb',
  'https://rp.test/cb https://evil.test/cb',
  'https://rp.test/cb|https://evil.test/cb',
  'https://*/cb',
  'https://rp.test/*',
  '*',
  'null',
  'undefined',
  `https://rp.test/cb${'/'.repeat(3000)}`,
  'javascript:alert(1)//https://rp.test/cb',
  'data:text/html,https://rp.test/cb',
]

describe(`A03 only ${redirectUri} itself, byte for byte`, () => {
  it('A03 the list is as long as it should be, and without doubles', () => {
    expect(new Set(mutations).size).toBe(mutations.length)
    expect(mutations.length).toBeGreaterThanOrEqual(60)
  })

  it.each(mutations)('A03 not %j', async (redirect_uri) => {
    await expectPage(await user.fetch(authorizeUrl({ redirect_uri })))
  })

  it('A03 NUL inside is refused before it is compared', async () => {
    await expectPage(await user.fetch(authorizeUrl({ redirect_uri: `${redirectUri}\0` })))
    await expectPage(await user.fetch(authorizeUrl({ redirect_uri: 'https://rp.test/\0cb' })))
  })

  it('A03 the same in errors: nothing is sent to a redirect_uri that is not registered', async () => {
    for (const redirect_uri of mutations.slice(0, 10)) {
      await expectPage(await user.fetch(authorizeUrl({ redirect_uri, response_type: 'token', prompt: 'none login' })))
    }
  })
})

const register = (redirect_uris: string[], path = 'clients/evil') =>
  reach(`${issuer}/admin/api/${path}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${operatorToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ client_name: 'Evil', grant_types: ['authorization_code'], redirect_uris }),
  })

describe('A05 schemes are allowed by list, after parsing', () => {
  it.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    '\u0001javascript:alert(1)',
    ' javascript:alert(1)',
    'java\nscript:alert(1)',
    'data:text/html,<script>x</script>',
    'blob:https://rp.test/1',
    'vbscript:msgbox(1)',
    'file:///etc/passwd',
    'about:blank',
    'intent://x#Intent;end',
    'ftp://rp.test/',
  ])('%j', async (uri) => {
    const refused = await register([uri])
    expect(refused.status).toBe(400)
    expect(await refused.json()).toMatchObject({ fields: { 'redirect_uris.0': expect.any(String) } })
    await expectPage(await user.fetch(authorizeUrl({ redirect_uri: uri })))
  })

  it('and one bad one among good ones registers none of them', async () => {
    expect((await register(['https://ok.test/cb', 'javascript:alert(1)'], 'clients/web')).status).toBe(400)
    await expectPage(await user.fetch(authorizeUrl({ redirect_uri: 'https://ok.test/cb' })))
  })
})

describe('A06 a native client', () => {
  const { code_challenge } = pkce()
  const ask = (redirect_uri: string) =>
    user.open(authorizeUrl({ client_id: 'native', redirect_uri, code_challenge, code_challenge_method: 'S256' }))

  it.each([
    'http://127.0.0.1:49152/cb',
    'http://127.0.0.1:65535/cb',
    'http://127.0.0.1:1/cb',
    loopback,
    'http://[::1]:49152/cb',
    'com.example.app:/cb',
  ])('is answered at %s', async (redirect_uri) => {
    const target = redirectOf(await ask(redirect_uri))
    expect(target.href.startsWith(`${redirect_uri}?`)).toBe(true)
    expect(target.searchParams.get('code')).toBeTruthy()
  })

  it.each([
    'http://127.0.0.1:49152/other',
    'http://127.0.0.1:49152/cb/',
    'http://127.0.0.1:49152/cb?a=1',
    'http://127.0.0.1:49152/cb#f',
    'http://127.0.0.1:65536/cb',
    'http://127.0.0.1:99999/cb',
    'http://127.0.0.1:/cb',
    'http://127.0.0.1.evil.test/cb',
    'http://127.0.0.1@evil.test/cb',
    'http://127.0.0.1:80@evil.test/cb',
    'http://127.0.0.1:1:2/cb',
    'http://127.0.0.2/cb',
    'http://127.1/cb',
    'http://2130706433/cb',
    'http://0/cb',
    'https://127.0.0.1/cb',
    'http://localhost/cb',
    'http://localhost:5001/',
    'http://localhost.evil.test:5000/',
    'http://[::1]:49152/',
    'http://[::2]:49152/cb',
    'com.example.app://cb',
    'com.example.app:/cb/',
    'com.example.application:/cb',
  ])('is not answered at %s', async (redirect_uri) => {
    const page = await ask(redirect_uri)
    expect(page.status).toBe(400)
    expect(page.headers.has('location')).toBe(false)
  })

  it('A06 signs in and is answered at its port', async () => {
    const visitor = browser()
    const url = authorizeUrl({
      client_id: 'native',
      redirect_uri: 'http://127.0.0.1:49152/cb',
      code_challenge,
      code_challenge_method: 'S256',
    })
    const page = await visitor.submit(await visitor.open(url), { username: 'ada', password })
    expect(redirectOf(page).origin).toBe('http://127.0.0.1:49152')
  })

  it.each(['http://rp.test/cb', 'http://127.0.0.1.evil.test/cb', 'http://localhost.evil.test/', 'http://10.0.0.1/cb'])(
    'plain http is not registered: %s',
    async (uri) => {
      expect((await register([uri])).status).toBe(400)
    },
  )
})

it('A redirect_uri that was taken away ends what was begun with it', async () => {
  const uri = 'https://moved.test/cb'
  await operator('PUT', 'clients/web2', { redirect_uris: [redirectUri, uri] })
  const visitor = browser()
  const page = await visitor.open(authorizeUrl({ client_id: 'web2', redirect_uri: uri }))
  await operator('PUT', 'clients/web2', { redirect_uris: [redirectUri] })
  const answer = await visitor.submit(page, { username: 'ada', password })
  expect(answer.status).toBe(400)
  expect(answer.headers.has('location')).toBe(false)
  expect(visitor.cookies.has('__Host-session')).toBe(false)
})
