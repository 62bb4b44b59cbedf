// The login page: username and password, buttons of external providers, and the client that asks.
import { ClientLinks, ClientLogo, type PageClient } from './client.tsx'
import { Filled, type PageFrame, renderPage, textsFor } from './layout.tsx'
import { safeTarget } from './links.ts'
import { type ProviderFace, ProviderLabel } from './provider-label.tsx'
import type { Texts } from './texts.ts'

export interface ProviderButton extends ProviderFace {
  provider_id: string
}

export interface LoginPage {
  frame: PageFrame
  action: string
  /** Sealed state, sent back as the field `interaction`. */
  interaction: string
  username: string
  remember: boolean
  /** `not_fresh`: the application asks for more than the external provider gave. */
  problem?: 'wrong_credentials' | 'locked' | 'busy' | 'no_way_in' | 'not_fresh'
  client: PageClient | undefined
  /** Whether username and password are asked for. */
  hasLocal: boolean
  /** Buttons of external providers, in their order. */
  providers: ProviderButton[]
  /** The target of those buttons, with the same fields and `provider`. */
  externalAction: string
  /** The person wants to use another account than the provider would choose by itself (field `account`). */
  wantsOther?: boolean
  /** Whether there is more than one way to sign in, so that a choice can be remembered (field `remember_choice`). */
  mayRememberChoice: boolean
  /** Link to the page with every way to sign in, if a remembered choice or a hint hides some. */
  otherWaysHref?: string
}

export function renderLogin(page: LoginPage): string {
  const texts = textsFor(page.frame)
  const { client, problem } = page
  const title = texts.login_title
  const otherWays = safeTarget(page.otherWaysHref)
  return renderPage(page.frame, {
    kind: 'login',
    title: problem ? texts.login_error_prefix.replace('{title}', () => title) : title,
    children: (
      <>
        <header class={client ? 'heading with-logo' : 'heading'}>
          {client ? <ClientLogo client={client} /> : null}
          <div>
            <h1>{title}</h1>
            {client ? (
              <p class="muted">
                <Filled text={texts.login_to_client} values={{ client: client.client_name }} />
              </p>
            ) : null}
          </div>
        </header>
        {problem ? (
          <p class="problem" id="problem" role="alert">
            {texts[`problem_${problem}`]}
          </p>
        ) : null}
        {page.hasLocal || page.providers.length > 0 ? <Ways page={page} texts={texts} /> : null}
        {otherWays ? (
          <p class="aside">
            <a id="other-ways" href={otherWays}>
              {texts.login_other_ways}
            </a>
          </p>
        ) : null}
        {client ? <ClientLinks client={client} texts={texts} /> : null}
      </>
    ),
  })
}

interface Part {
  page: LoginPage
  texts: Texts
}

/** One form, so that a ticked box applies to every way to sign in. Enter presses its first button. */
function Ways({ page, texts }: Part) {
  const { hasLocal, providers } = page
  return (
    <form method="post" action={hasLocal ? page.action : page.externalAction}>
      <input type="hidden" name="interaction" value={page.interaction} />
      {page.wantsOther ? <input type="hidden" name="account" value="other" /> : null}
      {hasLocal ? <Credentials page={page} texts={texts} /> : null}
      {hasLocal && providers.length > 0 ? <p class="or">{texts.login_or}</p> : null}
      {providers.length > 0 ? <Providers page={page} /> : null}
      {hasLocal ? null : <Choices page={page} texts={texts} />}
    </form>
  )
}

function Credentials({ page, texts }: Part) {
  const isWrong = page.problem === 'wrong_credentials'
  const described = {
    'aria-describedby': page.problem ? 'problem' : undefined,
    'aria-invalid': isWrong ? ('true' as const) : undefined,
  }
  return (
    <>
      <div class="field">
        <label for="username">{texts.login_username}</label>
        <input
          type="text"
          id="username"
          name="username"
          value={page.username}
          autocomplete="username"
          autocapitalize="none"
          spellcheck={false}
          required
          autofocus={!page.username}
          {...described}
        />
      </div>
      <div class="field">
        <label for="password">{texts.login_password}</label>
        <input
          type="password"
          id="password"
          name="password"
          autocomplete="current-password"
          required
          autofocus={Boolean(page.username)}
          {...described}
        />
      </div>
      <Choices page={page} texts={texts} />
      <button type="submit" id="sign-in" class="primary">
        {texts.login_submit}
      </button>
    </>
  )
}

function Choices({ page, texts }: Part) {
  return (
    <div class="choices">
      <div class="choice">
        <input type="checkbox" id="remember" name="remember" value="on" checked={page.remember} />
        <label for="remember">{texts.login_remember}</label>
      </div>
      {page.mayRememberChoice ? (
        <div class="choice">
          <input type="checkbox" id="remember-choice" name="remember_choice" value="on" />
          <label for="remember-choice">{texts.login_remember_choice}</label>
        </div>
      ) : null}
    </div>
  )
}

function Providers({ page }: { page: LoginPage }) {
  return (
    <ul class="providers">
      {page.providers.map((provider) => (
        <li key={provider.provider_id}>
          <button
            type="submit"
            id={`sign-in-with-${provider.provider_id}`}
            class="provider"
            name="provider"
            value={provider.provider_id}
            formaction={page.externalAction}
            formnovalidate
          >
            <ProviderLabel face={provider} />
          </button>
        </li>
      ))}
    </ul>
  )
}
