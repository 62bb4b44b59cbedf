// The start page: says what this address is, for people and for developers.
import { type PageFrame, renderPage, textsFor } from './layout.tsx'
import { safeTarget } from './links.ts'

export interface HomePage {
  frame: PageFrame
  issuer: string
  signInHref: string
  discoveryHref: string
  /** Undefined if the playground is not served. */
  playgroundHref?: string
}

export function renderHome(page: HomePage): string {
  const { product } = page.frame
  const texts = textsFor(page.frame)
  return renderPage(page.frame, {
    kind: 'home',
    title: product,
    children: (
      <>
        <header class="heading">
          <h1>{product}</h1>
          <p class="muted">{texts.home_intro}</p>
        </header>
        <p>
          <a class="button primary" id="sign-in" href={safeTarget(page.signInHref)}>
            {texts.home_sign_in}
          </a>
        </p>
        <section class="group" aria-labelledby="developers">
          <h2 id="developers">{texts.home_developers}</h2>
          <dl class="facts">
            <div>
              <dt>{texts.home_issuer}</dt>
              <dd>
                <code>{page.issuer}</code>
              </dd>
            </div>
          </dl>
          <ul class="links">
            <li>
              <a href={safeTarget(page.discoveryHref)}>{texts.home_discovery}</a>
            </li>
            {page.playgroundHref ? (
              <li>
                <a href={safeTarget(page.playgroundHref)}>{texts.home_playground}</a>
              </li>
            ) : null}
          </ul>
        </section>
      </>
    ),
  })
}
