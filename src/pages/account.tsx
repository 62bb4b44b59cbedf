// The home of a person who is signed in, and the page after signing out.
import { type PageFrame, Person, renderPage, textsFor } from './layout.tsx'
import { safeTarget } from './links.ts'

export interface AccountPage {
  frame: PageFrame
  /** Display name. */
  user: string
  username: string
  email?: string
  signOutAction: string
}

export function renderAccount(page: AccountPage): string {
  const texts = textsFor(page.frame)
  return renderPage(page.frame, {
    kind: 'account',
    title: texts.account_title,
    children: (
      <>
        <header class="heading">
          <h1>{texts.account_title}</h1>
        </header>
        <Person user={page.user} />
        <dl class="facts">
          <div>
            <dt>{texts.account_username}</dt>
            <dd>
              <bdi>{page.username}</bdi>
            </dd>
          </div>
          {page.email ? (
            <div>
              <dt>{texts.account_email}</dt>
              <dd>
                <bdi>{page.email}</bdi>
              </dd>
            </div>
          ) : null}
        </dl>
        <form method="post" action={page.signOutAction}>
          <button type="submit" id="sign-out">
            {texts.account_sign_out}
          </button>
        </form>
      </>
    ),
  })
}

export interface SignedOutPage {
  frame: PageFrame
  signInHref?: string
}

export function renderSignedOut(page: SignedOutPage): string {
  const texts = textsFor(page.frame)
  const target = safeTarget(page.signInHref)
  return renderPage(page.frame, {
    kind: 'signed-out',
    title: texts.signed_out_title,
    children: (
      <>
        <header class="heading">
          <h1>{texts.signed_out_title}</h1>
          <p class="muted">{texts.signed_out_intro}</p>
        </header>
        {target ? (
          <p>
            <a class="button" href={target}>
              {texts.signed_out_sign_in}
            </a>
          </p>
        ) : null}
      </>
    ),
  })
}
