// The parts that every page shares: the document, the product's mark, and texts with placeholders.
import type { ComponentChildren } from 'preact'
import { renderToString } from 'preact-render-to-string'
import { stylesheet } from './stylesheet.ts'
import { type Locale, type Texts, textsOf } from './texts.ts'

export type { Locale } from './texts.ts'

export interface PageFrame {
  locale: Locale
  /** The nonce of the response's Content-Security-Policy. */
  nonce: string
  requestId: string
  /** The display name of this provider. */
  product: string
}

export interface PageBody {
  /** Also the class of the body: `page-login`. */
  kind: string
  title: string
  children: ComponentChildren
}

const iconPath = 'M22.5 10.2a9 9 0 1 0 1.9 9.8M11.5 16.2l4 4L26 9.5'
const icon = `data:image/svg+xml,${encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="#0b5f59"/><path d="${iconPath}" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round"/></svg>`,
)}`

/** The whole document. */
export function renderPage(frame: PageFrame, page: PageBody): string {
  const document = (
    <html lang={frame.locale}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>{page.title === frame.product ? page.title : `${page.title} · ${frame.product}`}</title>
        <link rel="icon" href={icon} />
        <style nonce={frame.nonce}>{stylesheet}</style>
      </head>
      <body class={`page-${page.kind}`}>
        <main class="card">
          <p class="brand">
            <Mark />
            <span>{frame.product}</span>
          </p>
          {page.children}
        </main>
      </body>
    </html>
  )
  return `<!doctype html>${renderToString(document)}`
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="32" height="32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="9" />
      <path d={iconPath} />
    </svg>
  )
}

/** The texts of a frame's language. */
export const textsFor = (frame: PageFrame): Texts => textsOf[frame.locale]

/** Fills the `{name}` placeholders of a text. Filled-in values are not searched for placeholders. */
export function Filled({ text, values }: { text: string; values: Record<string, ComponentChildren> }) {
  const parts = text.split(/\{(\w+)\}/)
  // Names are untrusted and may be written right to left; <bdi> keeps them from reordering the sentence.
  return <>{parts.map((part, index) => (index % 2 === 1 ? <bdi>{values[part]}</bdi> : part))}</>
}

/** Shows a person: initial, name, username. */
export function Person({ user, username }: { user: string; username?: string }) {
  return (
    <div class="person">
      <span class="initial" aria-hidden="true">
        {initialOf(user)}
      </span>
      <span class="person-names">
        <bdi class="person-name">{user}</bdi>
        {username && username !== user ? <bdi class="muted">{username}</bdi> : null}
      </span>
    </div>
  )
}

/** Returns the first letter, also outside the basic plane. */
export const initialOf = (name: string): string => [...name.trim()][0]?.toLocaleUpperCase() ?? '?'
