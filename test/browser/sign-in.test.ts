// Signing in and out in a browser: with mouse and keyboard, without scripts, in several tabs, and too late.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { passTime } from './interaction-clock.ts'
import { kindOf, openStage, password, press, type Stage, signIn } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
  await stage.provider.operator('PUT', 'users/ben', { name: 'Ben Example', password })
})
afterEach(async () => expect(await stage.leave()).toEqual([]))
afterAll(() => stage?.close())

const atClient = () => new RegExp(`^${stage.site.redirectUri}`)
const callOf = () => stage.site.call().parameters

describe('the login page', () => {
  it('redirects to the client with a code after the right password', async () => {
    const { page } = await stage.visit()
    await page.goto(stage.request({ state: 'right-password' }))
    expect(await page.title()).toBe('Sign in · Countersign')
    expect(await page.locator('h1 + p').innerText()).toBe('to continue to Web shop')
    await signIn(page)
    await page.waitForURL(atClient())
    expect(callOf().get('state')).toBe('right-password')
    expect(callOf().get('code')).not.toBeNull()
    expect(callOf().get('iss')).toBe(stage.provider.issuer)
    expect(callOf().get('session_state')).not.toBeNull()
  })

  it('reports a wrong password, keeps the name, and accepts the right password with the Enter key', async () => {
    const { page } = await stage.visit()
    await page.goto(stage.request())
    await signIn(page, 'ada', 'not her password')
    const alert = page.getByRole('alert')
    expect(await alert.innerText()).toBe('The username or the password is not correct.')
    expect(await page.title()).toBe('Error: Sign in · Countersign')
    expect(await page.inputValue('#username')).toBe('ada')
    expect(await page.inputValue('#password')).toBe('')
    // The focus is where typing continues, and a screen reader announces the error.
    expect(await page.locator(':focus').getAttribute('id')).toBe('password')
    expect(await page.locator(':focus').getAttribute('aria-describedby')).toBe(await alert.getAttribute('id'))
    await page.keyboard.type(password)
    await page.keyboard.press('Enter')
    await page.waitForURL(atClient())
  })

  it('P08 never has the password in an address', async () => {
    const { page } = await stage.visit()
    const addresses: string[] = []
    page.on('request', (request) => addresses.push(request.url()))
    await page.goto(stage.request())
    await signIn(page, 'ada', 'not her password')
    await page.getByRole('alert').waitFor()
    await signIn(page)
    await page.waitForURL(atClient())
    expect(addresses.length).toBeGreaterThan(4)
    for (const address of addresses) expect(decodeURIComponent(address)).not.toMatch(/password|correct horse/)
  })

  it('works with the keyboard: the focus starts at the name, and Tab and Space do the rest', async () => {
    const { page, context } = await stage.visit()
    await page.goto(stage.request())
    const focused = () => page.locator(':focus').getAttribute('id')
    expect(await focused()).toBe('username')
    await page.keyboard.type('ada')
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('password')
    await page.keyboard.type(password)
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('remember')
    await page.keyboard.press('Space')
    expect(await page.isChecked('#remember')).toBe(true)
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('sign-in')
    await page.keyboard.press('Enter')
    await page.waitForURL(atClient())
    // The remembered session has a cookie that outlives the browser.
    const session = (await context.cookies(stage.provider.issuer)).find(({ name }) => name.startsWith('session-'))
    expect(session).toMatchObject({ httpOnly: true, sameSite: 'Lax' })
    expect(session?.expires).toBeGreaterThan(Date.now() / 1000 + 86_400)
  })

  it('works without scripts, and so do the pages that follow', async () => {
    const { page } = await stage.visit({ javaScriptEnabled: false })
    await page.goto(stage.request({ client_id: 'careful', response_mode: 'form_post', state: 'without-script' }))
    await signIn(page, 'ada', 'not her password')
    expect(await kindOf(page)).toBe('login')
    await signIn(page)
    expect(await kindOf(page)).toBe('consent')
    await press(page, '#allow')
    expect(await kindOf(page)).toBe('form-post')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.waitForURL(atClient())
    expect(stage.site.call().method).toBe('POST')
    expect(callOf().get('state')).toBe('without-script')
    expect(callOf().get('code')).not.toBeNull()
  })

  it('takes the name from login_hint and sets the focus to the password', async () => {
    const { page } = await stage.visit()
    await page.goto(stage.request({ login_hint: 'ada' }))
    expect(await page.inputValue('#username')).toBe('ada')
    expect(await page.locator(':focus').getAttribute('id')).toBe('password')
  })

  it('lets a browser save the password and fill it in', async () => {
    const { page } = await stage.visit()
    await page.goto(stage.request())
    expect(await page.getAttribute('#username', 'autocomplete')).toBe('username')
    expect(await page.getAttribute('#password', 'autocomplete')).toBe('current-password')
  })
})

describe('a session', () => {
  it('is shared by all tabs: after signing in in one tab, the other continues', async () => {
    const { page: first, context } = await stage.visit()
    const second = await context.newPage()
    await first.goto(stage.request({ state: 'first-tab' }))
    await second.goto(stage.request({ state: 'second-tab' }))
    expect(await kindOf(second)).toBe('login')
    await signIn(first)
    await first.waitForURL(atClient())
    expect(callOf().get('state')).toBe('first-tab')
    await second.reload()
    await second.waitForURL(atClient())
    expect(callOf().get('state')).toBe('second-tab')
    expect(callOf().get('code')).not.toBeNull()
  })

  it('is shared by all tabs: a login form still open in another tab works too', async () => {
    const { page: first, context } = await stage.visit()
    const second = await context.newPage()
    await first.goto(stage.request())
    await second.goto(stage.request({ state: 'late-tab' }))
    await signIn(first)
    await first.waitForURL(atClient())
    await signIn(second)
    await second.waitForURL(atClient())
    expect(callOf().get('state')).toBe('late-tab')
    // The session of the first tab is still valid.
    await first.goto(stage.request({ prompt: 'none' }))
    expect(callOf().get('code')).not.toBeNull()
  })

  it('answers a request without a page, even one that another site sends by POST', async () => {
    const { page } = await stage.visitAsAda()
    await page.goto(stage.request({ state: 'by-get' }))
    expect(callOf().get('state')).toBe('by-get')

    const url = new URL(stage.request({ state: 'by-post' }))
    await page.evaluate(
      ([action, fields]) => {
        // The form is on the client's page, so the browser does not send our Lax cookies.
        const inputs = fields.map(([name, value]) => `<input name="${name}" value="${value}">`).join('')
        const { document } = globalThis as unknown as {
          document: { body: { innerHTML: string }; forms: { submit(): void }[] }
        }
        document.body.innerHTML = `<form method="post" action="${action}">${inputs}</form>`
        document.forms[0]?.submit()
      },
      [url.origin + url.pathname, [...url.searchParams]] as const,
    )
    await page.waitForURL(/state=by-post/)
    expect(callOf().get('code')).not.toBeNull()
  })

  it('gives each request one code: going back shows that the sign-in is complete', async () => {
    const { page } = await stage.visit()
    await page.goto(stage.request({ state: 'once' }))
    await signIn(page)
    await page.waitForURL(atClient())
    const calls = stage.site.received.length
    await page.goBack()
    expect(await kindOf(page)).toBe('error')
    expect(await page.innerText('#error-description')).toContain('already signed in')
    expect(stage.site.received.length).toBe(calls)
  })

  it('asks for the password again for prompt=login, then continues', async () => {
    const { page } = await stage.visitAsAda()
    await page.goto(stage.request({ prompt: 'login', state: 'again' }))
    expect(await kindOf(page)).toBe('login')
    expect(await page.inputValue('#username')).toBe('ada')
    await page.reload()
    expect(await kindOf(page)).toBe('login')
    await page.fill('#password', password)
    await page.keyboard.press('Enter')
    await page.waitForURL(atClient())
    expect(callOf().get('state')).toBe('again')
  })

  it('is offered for prompt=select_account, and can be replaced by another', async () => {
    const { page } = await stage.visitAsAda()
    await page.goto(stage.request({ prompt: 'select_account', state: 'this-one' }))
    expect(await kindOf(page)).toBe('select-account')
    expect(await page.locator('main').innerText()).toContain('Ada Example')
    await press(page, '#continue')
    await page.waitForURL(atClient())
    expect(callOf().get('state')).toBe('this-one')

    await page.goto(stage.request({ prompt: 'select_account', state: 'another' }))
    await press(page, '#other')
    expect(await kindOf(page)).toBe('login')
    await signIn(page, 'ben')
    await page.waitForURL(atClient())
    expect(callOf().get('state')).toBe('another')
    await page.goto(`${stage.provider.issuer}/account`)
    expect(await page.locator('main').innerText()).toContain('Ben Example')
  })
})

describe('an interaction', () => {
  it('that took too long can be started again', async () => {
    const { page } = await stage.visit()
    await page.goto(stage.request({ state: 'too-late' }))
    await page.goto(await passTime(page.url(), 2 * 3_600_000, stage.provider))
    expect(await kindOf(page)).toBe('error')
    expect(await page.innerText('#error-description')).toContain('took too long')
    await press(page, 'text=Try again')
    expect(await kindOf(page)).toBe('login')
    await signIn(page)
    await page.waitForURL(atClient())
    expect(callOf().get('state')).toBe('too-late')
  })

  it('belongs to the browser that started it', async () => {
    const [hers, his] = [await stage.visit(), await stage.visit()]
    await hers.page.goto(stage.request())
    await his.page.goto(stage.request())
    expect(await kindOf(his.page)).toBe('login')
    await his.page.goto(hers.page.url())
    expect(await kindOf(his.page)).toBe('error')
    expect(await his.page.innerText('#error-description')).toContain('another browser')
  })
})

describe('the account page', () => {
  it('shows who is signed in, and signs out', async () => {
    const { page, context } = await stage.visit()
    await page.goto(stage.provider.issuer)
    await press(page, '#sign-in')
    expect(await kindOf(page)).toBe('login')
    await signIn(page)
    await page.waitForURL(`${stage.provider.issuer}/account`)
    expect(await page.locator('main').innerText()).toContain('ada@example.test')

    const cookies = await context.cookies()
    await press(page, '#sign-out')
    expect(await page.locator('h1').innerText()).toBe('You are signed out')
    await page.goto(stage.request({ prompt: 'none', state: 'signed-out' }))
    expect(callOf().get('error')).toBe('login_required')
    // The old cookies do not restore the session.
    await context.addCookies(cookies)
    await page.goto(`${stage.provider.issuer}/account`)
    expect(await kindOf(page)).toBe('login')
  })
})

describe('the error page', () => {
  it.each([
    ['an unknown client', { client_id: 'nobody' }, 'client_id'],
    ['a redirect URI that is not registered', { redirect_uri: 'https://evil.test/' }, 'redirect_uri'],
  ])('for %s shows the request id, by which the operator finds the reason', async (_, parameters, check) => {
    const { page } = await stage.visit()
    const response = await page.goto(stage.request(parameters))
    expect(response?.status()).toBe(400)
    expect(await kindOf(page)).toBe('error')
    const requestId = await page.innerText('#request-id')
    expect(requestId).toBe(response?.headers()['x-request-id'])
    expect(await stage.provider.operator('GET', `refusals/${requestId}`)).toMatchObject({ check })
  })

  it('is shown for an address that does not exist', async () => {
    const { page } = await stage.visit()
    const response = await page.goto(`${stage.provider.issuer}/no/such/page`)
    expect(response?.status()).toBe(404)
    expect(await page.locator('main').innerText()).toContain('This page does not exist.')
  })
})

describe('response_mode=form_post', () => {
  it('submits itself to the client as a POST with nothing in the address', async () => {
    const { page } = await stage.visitAsAda()
    const state = `"><script>alert(1)</script>&amp;'`
    await page.goto(stage.request({ response_mode: 'form_post', state }))
    await page.waitForURL(atClient())
    expect(page.url()).toBe(stage.site.redirectUri)
    expect(stage.site.call()).toMatchObject({ method: 'POST', target: '/cb' })
    expect(callOf().get('state')).toBe(state)
    expect(callOf().get('code')).not.toBeNull()
  })
})
