// The account page of `prompt=select_account` (OIDC Core §3.1.2.1): this one, or another.
import type { PageClient } from './client.tsx'
import { Filled, type PageFrame, Person, renderPage, textsFor } from './layout.tsx'

export interface SelectAccountPage {
  frame: PageFrame
  action: string
  interaction: string
  /** Binds the form to the content of the page and to the user; returned as the field `shown`. */
  shown: string
  client: PageClient | undefined
  /** Display name of the person who is signed in. */
  user: string
  username: string
}

export function renderSelectAccount(page: SelectAccountPage): string {
  const texts = textsFor(page.frame)
  return renderPage(page.frame, {
    kind: 'select-account',
    title: texts.select_title,
    children: (
      <>
        <header class="heading">
          <h1>{texts.select_title}</h1>
          <p class="muted">
            {texts.select_intro}
            {page.client ? (
              <>
                {' '}
                <Filled text={texts.select_client} values={{ client: page.client.client_name }} />
              </>
            ) : null}
          </p>
        </header>
        <Person user={page.user} username={page.username} />
        <form method="post" action={page.action}>
          <input type="hidden" name="interaction" value={page.interaction} />
          <input type="hidden" name="shown" value={page.shown} />
          <div class="decision">
            <button type="submit" id="continue" name="decision" value="continue" class="primary">
              {texts.select_continue}
            </button>
            <button type="submit" id="other" name="decision" value="other">
              {texts.select_other}
            </button>
          </div>
        </form>
      </>
    ),
  })
}
