import { describe, expect, it } from 'vitest'
import { renderAccount, renderSignedOut } from '../../src/pages/account.tsx'
import { renderConsent } from '../../src/pages/consent.tsx'
import { renderError } from '../../src/pages/error.tsx'
import { renderExternalProblem } from '../../src/pages/external-problem.tsx'
import { renderFormPost } from '../../src/pages/form-post.tsx'
import { renderLogin } from '../../src/pages/login.tsx'
import { renderSelectAccount } from '../../src/pages/select-account.tsx'
import { stylesheet } from '../../src/pages/stylesheet.ts'
import { textsOf } from '../../src/pages/texts.ts'
import { fillForm } from '../user-agent.ts'
import {
  aClient,
  aConsent,
  aFormPost,
  aFrame,
  aLogin,
  aLoginWithProviders,
  anAccount,
  anError,
  anExternalAccount,
  anExternalProblem,
  aSelectAccount,
  nonce,
  pages,
} from './samples.ts'

const hostile = `"><svg onload=1>'</title></style></script><script>x</script>{client}&amp;`
const locales = ['en', 'nl', 'de'] as const

/** The document as HTMLRewriter sees it: a parser that the pages do not share code with. */
async function elementsOf(html: string): Promise<{ name: string; attributes: Record<string, string> }[]> {
  const elements: { name: string; attributes: Record<string, string> }[] = []
  const rewriter = new HTMLRewriter().on('*', {
    element: (element) => {
      // Preact's types bring the browser's Element along, whose attributes are another thing.
      const attributes = element.attributes as unknown as Iterable<[string, string]>
      elements.push({ name: element.tagName, attributes: Object.fromEntries(attributes) })
    },
  })
  await rewriter.transform(new Response(html)).text()
  return elements
}

async function namedElement(html: string, name: string) {
  const found = (await elementsOf(html)).filter(({ attributes }) => attributes.name === name || attributes.id === name)
  expect(found, name).toHaveLength(1)
  return found[0]?.attributes ?? {}
}

describe.each(Object.entries(pages))('%s', (name, render) => {
  it.each(locales)('is a whole document in %s', async (locale) => {
    const html = render(aFrame(locale))
    expect(html).toMatch(/^<!doctype html><html lang="(en|nl|de)">.*<\/html>$/s)
    expect(html).toContain(`<html lang="${locale}">`)
    const elements = await elementsOf(html)
    expect(elements.filter((element) => element.name === 'h1')).toHaveLength(1)
    expect(elements.filter((element) => element.name === 'main')).toHaveLength(1)
    expect(elements.find((element) => element.name === 'body')?.attributes.class).toBe(
      `page-${['login', 'account', 'external-problem', 'signed-out'].find((kind) => name.startsWith(kind)) ?? name}`,
    )
  })

  it('keeps to its Content-Security-Policy: nonces, no style attribute, no event handler', async () => {
    const elements = await elementsOf(render(aFrame()))
    for (const element of elements) {
      expect(Object.keys(element.attributes).filter((attribute) => /^(style|on.*)$/.test(attribute))).toEqual([])
    }
    const inline = elements.filter((element) => element.name === 'script' || element.name === 'style')
    expect(inline.map((element) => element.name)).toEqual(name === 'form-post' ? ['style', 'script'] : ['style'])
    for (const element of inline) expect(element.attributes).toEqual({ nonce })
  })

  it('posts every form and gives every id once', async () => {
    const elements = await elementsOf(render(aFrame()))
    for (const form of elements.filter((element) => element.name === 'form')) {
      expect(form.attributes.method).toBe('post')
    }
    const ids = elements.flatMap((element) => element.attributes.id ?? [])
    expect(ids).toEqual([...new Set(ids)])
  })
})

describe('texts', () => {
  const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort()
  type Dictionary = { [key: string]: string | Dictionary }

  function compare(model: Dictionary, translation: Dictionary): void {
    for (const [key, text] of Object.entries(model)) {
      const translated = translation[key]
      if (typeof text !== 'string') compare(text, translated as Dictionary)
      else expect(places(String(translated)), key).toEqual(places(text))
    }
  }

  it.each(locales)('fill the same places in %s as in English', (locale) => {
    compare(textsOf.en, textsOf[locale])
  })
})

describe('D05, A34 what others wrote stays text', () => {
  const frame = aFrame('en', hostile)
  const client = { ...aClient, client_name: hostile }
  const written: Record<string, string> = {
    login: renderLogin({
      ...aLogin(frame),
      action: hostile,
      interaction: hostile,
      username: hostile,
      client,
      providers: [{ provider_id: hostile, name: hostile, text: hostile, icon: `/external/icon?x=${hostile}` }],
      externalAction: hostile,
      otherWaysHref: `/x?${hostile}`,
    }),
    'external problem': renderExternalProblem({
      ...anExternalProblem({ ...frame, requestId: hostile }),
      provider: hostile,
      client,
      tryAgainHref: `/x?${hostile}`,
    }),
    'external account': renderAccount({
      ...anAccount(frame),
      provider: hostile,
      signOut: { local: true, upstream: { name: hostile, text: hostile } },
    }),
    'signed out': renderSignedOut({ frame, upstream: { provider: hostile, href: `/x?${hostile}` } }),
    consent: renderConsent({
      ...aConsent(frame),
      interaction: hostile,
      client,
      user: hostile,
      items: [
        { scope: hostile, claims: [hostile], isNew: true },
        { scope: 'x', title: hostile, description: hostile, claims: [], isNew: false },
      ],
      claims: [hostile],
    }),
    'select account': renderSelectAccount({ ...aSelectAccount(frame), client, user: hostile, username: hostile }),
    error: renderError({ ...anError({ ...frame, requestId: hostile }), code: hostile, description: hostile }),
    'form post': renderFormPost({ frame, action: hostile, parameters: { state: hostile, [hostile]: 'x' } }),
    account: renderAccount({ ...anAccount(frame), user: hostile, username: hostile, email: hostile }),
  }

  it.each(Object.entries(written))('in %s', async (name, html) => {
    const elements = await elementsOf(html)
    expect(elements.filter((element) => element.attributes.onload !== undefined)).toEqual([])
    expect(elements.filter((element) => element.name === 'script')).toHaveLength(name === 'form post' ? 1 : 0)
    expect(html).not.toContain(hostile)
    expect(html).toContain('&quot;>&lt;svg onload=1>')
    // A name that looks like a place to fill is not one.
    expect(html).toContain('{client}')
  })

  it('A14 gives a value back unchanged in its attribute', async () => {
    const html = renderFormPost({ ...aFormPost(frame), parameters: { state: hostile } })
    const unescaped = (await namedElement(html, 'state')).value?.replaceAll(/&(quot|lt|amp);/g, (entity) => {
      return { '&quot;': '"', '&lt;': '<', '&amp;': '&' }[entity] ?? entity
    })
    expect(unescaped).toBe(hostile)
    expect(html).toMatch(/<script nonce="[^"]+">document\.forms\[0\]\.submit\(\)<\/script>/)
  })

  it.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    ' \u0001javascript:alert(1)',
    'data:text/html,x',
    'blob:https://rp.test/x',
    'vbscript:x',
    'http://rp.test/',
    'http://127.0.0.1.rp.test/',
    'https://id.test@rp.test/',
    '//rp.test/',
    '/relative',
    '',
  ])('never links a client to %j', async (address) => {
    const client = {
      client_name: 'X',
      client_uri: address,
      logo_uri: address,
      policy_uri: address,
      tos_uri: address,
    }
    for (const html of [
      renderLogin({ ...aLogin(aFrame()), client }),
      renderConsent({ ...aConsent(aFrame()), client }),
    ]) {
      const elements = await elementsOf(html)
      expect(elements.filter((element) => element.name === 'a' || element.name === 'img')).toEqual([])
    }
  })

  it('links a client to https, and to http on a loopback name', async () => {
    const client = { ...aClient, policy_uri: 'http://localhost:3000/p', logo_uri: 'https://rp.test/logo.png' }
    const elements = await elementsOf(renderConsent({ ...aConsent(aFrame()), client }))
    expect(elements.filter(({ name }) => name === 'a').map(({ attributes }) => attributes.href)).toEqual([
      'https://meridian.example/',
      'http://localhost:3000/p',
      'https://meridian.example/terms',
    ])
    expect(elements.find(({ name }) => name === 'img')?.attributes.src).toBe('https://rp.test/logo.png')
  })

  it.each(['javascript:alert(1)', 'data:image/svg+xml,x', '//rp.test/', 'icon'])(
    'D06 shows a provider with its initial, never with an icon at %s',
    async (icon) => {
      const html = renderLogin({ ...aLogin(aFrame()), providers: [{ provider_id: 'x', name: 'éx', text: 'X', icon }] })
      expect((await elementsOf(html)).filter(({ name }) => name === 'img')).toEqual([])
      expect(html).toContain('<span class="provider-icon initial" aria-hidden="true">É</span>')
    },
  )

  it.each(['javascript:alert(1)', '//rp.test/', '/\\rp.test/', '/\t/rp.test/', 'account'])(
    'gives an error page no way out to %j',
    async (href) => {
      const elements = await elementsOf(renderError({ ...anError(aFrame()), action: { href, label: 'back' } }))
      expect(elements.filter(({ name }) => name === 'a')).toEqual([])
    },
  )
})

describe('stable names', () => {
  it('of the login form', async () => {
    const html = renderLogin({ ...aLogin(aFrame()), username: 'anna', remember: true })
    expect(await namedElement(html, 'interaction')).toMatchObject({ type: 'hidden', value: 'sealed' })
    expect(await namedElement(html, 'username')).toMatchObject({ value: 'anna', autocomplete: 'username' })
    expect(await namedElement(html, 'password')).toMatchObject({ type: 'password', autocomplete: 'current-password' })
    expect(await namedElement(html, 'remember')).toMatchObject({ type: 'checkbox', checked: '' })
    expect(await namedElement(html, 'sign-in')).toMatchObject({ type: 'submit' })
  })

  it('of the buttons that decide', async () => {
    const consent = renderConsent(aConsent(aFrame()))
    expect(await namedElement(consent, 'allow')).toMatchObject({ type: 'submit', value: 'allow' })
    expect(await namedElement(consent, 'deny')).toMatchObject({ type: 'submit', value: 'deny' })
    const select = renderSelectAccount(aSelectAccount(aFrame()))
    expect(await namedElement(select, 'continue')).toMatchObject({ type: 'submit', value: 'continue' })
    expect(await namedElement(select, 'other')).toMatchObject({ type: 'submit', value: 'other' })
    expect(await namedElement(renderAccount(anAccount(aFrame())), 'sign-out')).toMatchObject({ type: 'submit' })
  })

  it('of the ways by external providers', async () => {
    const html = renderLogin({ ...aLoginWithProviders(aFrame()), otherWaysHref: '/account/login?choose=1' })
    expect(await namedElement(html, 'sign-in-with-meridian')).toMatchObject({
      type: 'submit',
      name: 'provider',
      value: 'meridian',
      formaction: '/external/start',
      formnovalidate: '',
    })
    expect(new URL(fillForm(html, { provider: 'github' }).action).pathname).toBe('/external/start')
    expect(new URL(fillForm(html, { username: 'anna' }).action).pathname).toBe('/account/login')
    expect(await namedElement(html, 'remember_choice')).toMatchObject({ type: 'checkbox', value: 'on' })
    expect(await namedElement(html, 'other-ways')).toMatchObject({ href: '/account/login?choose=1' })
    const problem = renderExternalProblem({ ...anExternalProblem(aFrame()), otherWaysHref: '/x' })
    expect(await namedElement(problem, 'try-again')).toMatchObject({ href: anExternalProblem(aFrame()).tryAgainHref })
    expect(await namedElement(problem, 'other-ways')).toMatchObject({ href: '/x' })
    const account = renderAccount(anExternalAccount(aFrame()))
    expect(await namedElement(account, 'sign-out-upstream')).toMatchObject({ name: 'upstream', value: 'yes' })
    expect(await namedElement(account, 'sign-out')).toMatchObject({ type: 'submit' })
  })
})

describe('login', () => {
  it('ties a wrong password to both fields and never gives it back', async () => {
    const html = renderLogin({ ...aLogin(aFrame()), username: 'anna', problem: 'wrong_credentials' })
    expect(await namedElement(html, 'problem')).toMatchObject({ role: 'alert' })
    for (const field of ['username', 'password']) {
      expect(await namedElement(html, field)).toMatchObject({ 'aria-invalid': 'true', 'aria-describedby': 'problem' })
    }
    expect((await namedElement(html, 'password')).value).toBeUndefined()
    expect(html).toContain('<title>Error: Sign in')
  })

  it('asks for no password where local accounts are switched off', async () => {
    const html = renderLogin({ ...aLoginWithProviders(aFrame()), hasLocal: false, username: 'anna' })
    const elements = await elementsOf(html)
    expect(elements.filter(({ attributes }) => attributes.type === 'password')).toEqual([])
    expect(elements.filter(({ name }) => name === 'form').map(({ attributes }) => attributes.action)).toEqual([
      '/external/start',
    ])
    expect(html).not.toContain('anna')
  })

  it('signs in by password on Enter: that button comes first', async () => {
    const elements = await elementsOf(renderLogin(aLoginWithProviders(aFrame())))
    expect(elements.find(({ name }) => name === 'form')?.attributes.action).toBe('/account/login')
    expect(elements.find(({ name }) => name === 'button')?.attributes.id).toBe('sign-in')
  })

  it('keeps a choice only where there is one', async () => {
    expect(renderLogin(aLogin(aFrame()))).not.toContain('remember_choice')
    expect(renderLogin(aLogin(aFrame()))).not.toContain('other-ways')
  })

  it('offers no form where nothing is switched on', async () => {
    const html = renderLogin({ ...aLogin(aFrame()), hasLocal: false, problem: 'no_way_in' })
    expect((await elementsOf(html)).filter(({ name }) => name === 'form')).toEqual([])
  })
})

describe('I14 after a sign-in at an external provider came to nothing', () => {
  const causes = [
    'denied',
    'no_account',
    'account_disabled',
    'provisioning',
    'unreachable',
    'invalid_answer',
    'too_weak',
    'used',
  ] as const

  it.each(locales)('every cause has words of its own in %s', (locale) => {
    const said = causes.map((cause) => {
      const html = renderExternalProblem({ ...anExternalProblem(aFrame(locale)), cause })
      return /<p id="cause">(.*?)<\/p>/.exec(html)?.[1] ?? ''
    })
    expect(new Set(said).size).toBe(causes.length)
    for (const text of said) expect(text.length).toBeGreaterThan(30)
  })

  it('gives what an administrator needs', () => {
    expect(renderExternalProblem(anExternalProblem(aFrame()))).toContain(
      '<code id="request-id">7f3a9c2e51d04b68</code>',
    )
  })
})

describe('signing out', () => {
  it('says so when it is only here', () => {
    const html = renderAccount(anExternalAccount(aFrame()))
    expect(html).toContain(textsOf.en.account_sign_out_here)
    expect(renderAccount(anAccount(aFrame()))).not.toContain(textsOf.en.account_sign_out_here)
  })

  it('has no local button where local accounts are switched off', async () => {
    const page = anExternalAccount(aFrame())
    const elements = await elementsOf(renderAccount({ ...page, signOut: { ...page.signOut, local: false } }))
    expect(elements.filter(({ name }) => name === 'button').map(({ attributes }) => attributes.id)).toEqual([
      'sign-out-upstream',
    ])
  })

  it('leads to the provider only by a safe address', async () => {
    const out = (href: string) => renderSignedOut({ frame: aFrame(), upstream: { provider: 'Contoso', href } })
    expect(await namedElement(out('https://contoso.test/out'), 'sign-out-upstream')).toMatchObject({
      href: 'https://contoso.test/out',
    })
    expect(out('javascript:alert(1)')).not.toContain('Contoso')
  })
})

describe('consent', () => {
  it('prefers the operator’s texts, then the built-in ones, then the name', () => {
    const html = renderConsent({
      ...aConsent(aFrame('nl')),
      items: [
        { scope: 'email', title: 'Mail', claims: ['email'], isNew: false },
        { scope: 'phone', claims: [], isNew: false },
        { scope: 'constructor', claims: ['constructor'], isNew: true },
      ],
    })
    expect(html).toContain('<bdi>Mail</bdi>')
    expect(html).not.toContain(textsOf.nl.scopes.email.description)
    expect(html).toContain(textsOf.nl.scopes.phone.title)
    expect(html).toContain('<bdi>constructor</bdi>')
    expect(html.match(/class="badge"/g)).toHaveLength(1)
  })
})

describe('S06 what is new in a consent', () => {
  const badges = (items: { isNew: boolean }[]) => {
    const page = aConsent(aFrame())
    const html = renderConsent({ ...page, items: items.map((item, i) => ({ scope: `s${i}`, claims: [], ...item })) })
    return html.match(/class="badge"/g)?.length ?? 0
  }

  it('is marked beside what was allowed before', () => {
    expect(badges([{ isNew: false }, { isNew: true }])).toBe(1)
  })

  it('is not marked where everything is', () => {
    expect(badges([{ isNew: true }, { isNew: true }])).toBe(0)
  })
})

describe('error', () => {
  it('says it is one, and gives what an administrator needs', async () => {
    const html = renderError(anError(aFrame()))
    expect(html).toContain('Something is not right')
    expect(html).toContain('<code id="error-code">invalid_request</code>')
    expect(html).toContain('redirect_uri is not registered for this client')
    expect(html).toContain('<code id="request-id">7f3a9c2e51d04b68</code>')
  })

  it('keeps its description marked as English in every language', async () => {
    expect((await namedElement(renderError(anError(aFrame('de'))), 'error-description')).lang).toBe('en')
  })
})

it('the stylesheet needs no escaping', () => {
  expect(stylesheet).not.toMatch(/["&<]/)
})
