// The error page: plain words for the person, codes for the support that the person asks.
import { type PageFrame, renderPage, textsFor } from './layout.tsx'
import { safeTarget } from './links.ts'
import type { Texts } from './texts.ts'

export interface ErrorPage {
  frame: PageFrame
  status: number
  code: string
  /** Public, in English. */
  description: string
  action?: { href: string; label: 'try_again' | 'back' | 'home' }
}

export function renderError(page: ErrorPage): string {
  const texts = textsFor(page.frame)
  const target = safeTarget(page.action?.href)
  return renderPage(page.frame, {
    kind: 'error',
    title: texts.error_title,
    children: (
      <>
        <header class="heading">
          <p class="eyebrow">
            {texts.error_word} {page.status}
          </p>
          <h1>{texts.error_title}</h1>
          <p>{explanation(page, texts)}</p>
        </header>
        {page.action && target ? (
          <p>
            <a class="button primary" href={target}>
              {texts[`action_${page.action.label}`]}
            </a>
          </p>
        ) : null}
        <section class="group">
          <p class="muted">{texts.error_help}</p>
          <dl class="facts">
            <div>
              <dt>{texts.error_code}</dt>
              <dd>
                <code id="error-code">{page.code}</code>
              </dd>
            </div>
            <div>
              <dt>{texts.error_description}</dt>
              <dd id="error-description" lang="en">
                {page.description}
              </dd>
            </div>
            <div>
              <dt>{texts.error_request_id}</dt>
              <dd>
                <code id="request-id">{page.frame.requestId}</code>
              </dd>
            </div>
          </dl>
        </section>
      </>
    ),
  })
}

function explanation({ status, action }: ErrorPage, texts: Texts): string {
  if (action?.label === 'try_again') return texts.error_expired
  if (status === 403) return texts.error_elsewhere
  if (status === 404) return texts.error_not_found
  return status >= 500 ? texts.error_outage : texts.error_request
}
