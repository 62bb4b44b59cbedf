// The login page: username and password, and for whom.
import { ClientLinks, ClientLogo, type PageClient } from './client.tsx'
import { Filled, type PageFrame, renderPage, textsFor } from './layout.tsx'
import type { Texts } from './texts.ts'

export interface LoginPage {
  frame: PageFrame
  action: string
  /** Sealed state, sent back as the field `interaction`. */
  interaction: string
  username: string
  remember: boolean
  problem?: 'wrong_credentials' | 'locked' | 'busy' | 'no_local_accounts'
  client: PageClient | undefined
}

export function renderLogin(page: LoginPage): string {
  const texts = textsFor(page.frame)
  const { client, problem } = page
  const title = texts.login_title
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
        {problem === 'no_local_accounts' ? null : <Credentials page={page} texts={texts} />}
        {client ? <ClientLinks client={client} texts={texts} /> : null}
      </>
    ),
  })
}

function Credentials({ page, texts }: { page: LoginPage; texts: Texts }) {
  const isWrong = page.problem === 'wrong_credentials'
  const described = {
    'aria-describedby': page.problem ? 'problem' : undefined,
    'aria-invalid': isWrong ? ('true' as const) : undefined,
  }
  return (
    <form method="post" action={page.action}>
      <input type="hidden" name="interaction" value={page.interaction} />
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
      <div class="choice">
        <input type="checkbox" id="remember" name="remember" value="on" checked={page.remember} />
        <label for="remember">{texts.login_remember}</label>
      </div>
      <button type="submit" id="sign-in" class="primary">
        {texts.login_submit}
      </button>
    </form>
  )
}
