// The page after a failed sign-in at an external provider. It contains nothing that the provider sent (SECURITY-CASES I14).
import type { PublicCause } from '../model/login-attempt.ts'
import { ClientLinks, type PageClient } from './client.tsx'
import { Filled, type PageFrame, renderPage, textsFor } from './layout.tsx'
import { safeTarget } from './links.ts'

export interface ExternalProblemPage {
  frame: PageFrame
  /** The provider's name in its record. */
  provider: string
  cause: PublicCause
  client?: PageClient | undefined
  tryAgainHref: string
  otherWaysHref?: string
}

export function renderExternalProblem(page: ExternalProblemPage): string {
  const texts = textsFor(page.frame)
  const { client, provider } = page
  const tryAgain = safeTarget(page.tryAgainHref)
  const otherWays = safeTarget(page.otherWaysHref)
  return renderPage(page.frame, {
    kind: 'external-problem',
    title: texts.external_title.replace('{provider}', () => provider),
    children: (
      <>
        <header class="heading">
          <h1>
            <Filled text={texts.external_title} values={{ provider }} />
          </h1>
          <p id="cause">
            <Filled text={texts[`external_${page.cause}`]} values={{ provider }} />
          </p>
        </header>
        <div class="decision">
          {tryAgain ? (
            <a class="button primary" id="try-again" href={tryAgain}>
              {texts.action_try_again}
            </a>
          ) : null}
          {otherWays ? (
            <a class="button" id="other-ways" href={otherWays}>
              {texts.login_other_ways}
            </a>
          ) : null}
        </div>
        <section class="group">
          <p class="muted">{texts.error_help}</p>
          <dl class="facts">
            <div>
              <dt>{texts.error_request_id}</dt>
              <dd>
                <code id="request-id">{page.frame.requestId}</code>
              </dd>
            </div>
          </dl>
        </section>
        {client ? <ClientLinks client={client} texts={texts} /> : null}
      </>
    ),
  })
}
