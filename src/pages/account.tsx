// The account page of a person who is signed in, and the page after signing out.
import { Filled, type PageFrame, Person, renderPage, textsFor } from './layout.tsx'
import { safeTarget } from './links.ts'
import { type ProviderFace, ProviderLabel } from './provider-label.tsx'
import type { Texts } from './texts.ts'

export interface AccountPage {
  frame: PageFrame
  /** Display name. */
  user: string
  username: string
  email?: string
  /** Name of the external provider that the session came from. */
  provider?: string
  signOutAction: string
  /** Sign-out here only, and at that provider too (field `upstream`). */
  signOut: { local: boolean; upstream?: ProviderFace }
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
          <Fact name={texts.account_username} value={page.username} />
          <Fact name={texts.account_email} value={page.email} />
          <Fact name={texts.account_provider} value={page.provider} />
        </dl>
        <SignOut page={page} texts={texts} />
      </>
    ),
  })
}

function Fact({ name, value }: { name: string; value: string | undefined }) {
  if (!value) return null
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <bdi>{value}</bdi>
      </dd>
    </div>
  )
}

function SignOut({ page, texts }: { page: AccountPage; texts: Texts }) {
  const { local, upstream } = page.signOut
  if (!local && !upstream) return null
  return (
    <form method="post" action={page.signOutAction}>
      <div class="decision">
        {upstream ? (
          <button type="submit" id="sign-out-upstream" class="provider" name="upstream" value="yes">
            <ProviderLabel face={upstream} />
          </button>
        ) : null}
        {local ? (
          <button type="submit" id="sign-out">
            {upstream ? texts.account_sign_out_here : texts.account_sign_out}
          </button>
        ) : null}
      </div>
    </form>
  )
}

export interface SignedOutPage {
  frame: PageFrame
  signInHref?: string
  /** The external provider at which the person may still be signed in: its name, and the address at which to sign out there. */
  upstream?: { provider: string; href: string }
}

export function renderSignedOut(page: SignedOutPage): string {
  const texts = textsFor(page.frame)
  const signIn = safeTarget(page.signInHref)
  const upstream = safeTarget(page.upstream?.href)
  const provider = upstream && page.upstream?.provider
  return renderPage(page.frame, {
    kind: 'signed-out',
    title: texts.signed_out_title,
    children: (
      <>
        <header class="heading">
          <h1>{texts.signed_out_title}</h1>
          {provider ? (
            <p>
              <Filled text={texts.signed_out_upstream} values={{ provider }} />
            </p>
          ) : (
            <p class="muted">{texts.signed_out_intro}</p>
          )}
        </header>
        {signIn || upstream ? (
          <div class="decision">
            {provider ? (
              <a class="button" id="sign-out-upstream" href={upstream}>
                <span>
                  <Filled text={texts.signed_out_at} values={{ provider }} />
                </span>
              </a>
            ) : null}
            {signIn ? (
              <a class="button" id="sign-in-again" href={signIn}>
                {texts.signed_out_sign_in}
              </a>
            ) : null}
          </div>
        ) : null}
      </>
    ),
  })
}
