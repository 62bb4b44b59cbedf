// The consent page: what the client will get, and the person's answer (OIDC Core §3.1.2.4).
import { ClientLinks, ClientLogo, ClientName, type PageClient } from './client.tsx'
import { Filled, type PageFrame, renderPage, textsFor } from './layout.tsx'
import type { Texts } from './texts.ts'

export interface ConsentItem {
  scope: string
  /** The administrator's texts; without them the built-in texts of a standard scope, otherwise the scope itself. */
  title?: string
  description?: string
  /** Claim names that come with the scope. */
  claims: string[]
  /** Whether the person has not allowed it before. */
  isNew: boolean
}

export interface ConsentPage {
  frame: PageFrame
  action: string
  interaction: string
  /** Binds the form to the content of the page and to the user; returned as the field `shown`. */
  shown: string
  client: PageClient
  /** Display name of the person. */
  user: string
  items: ConsentItem[]
  /** Claims asked for one by one (the `claims` parameter). */
  claims: string[]
}

export function renderConsent(page: ConsentPage): string {
  const texts = textsFor(page.frame)
  const { client } = page
  const named = { client: client.client_name }
  // If everything is new, the mark would carry no information.
  const marksNew = page.items.some((item) => !item.isNew)
  return renderPage(page.frame, {
    kind: 'consent',
    title: texts.consent_title,
    children: (
      <>
        <header class="heading with-logo">
          <ClientLogo client={client} />
          <div>
            <h1>{texts.consent_title}</h1>
            <p class="muted">
              <Filled text={texts.consent_intro} values={{ client: <ClientName client={client} texts={texts} /> }} />
            </p>
          </div>
        </header>
        <section class="group" aria-labelledby="granted">
          <h2 id="granted">
            <Filled text={texts.consent_list} values={named} />
          </h2>
          <ul class="grants">
            {page.items.map((item) => (
              <Item key={item.scope} item={item} marksNew={marksNew} texts={texts} />
            ))}
            {page.claims.length > 0 ? (
              <li>
                <p class="grant-title">{texts.consent_claims}</p>
                <p class="muted">{claimNames(page.claims, texts)}</p>
              </li>
            ) : null}
          </ul>
        </section>
        <form method="post" action={page.action}>
          <input type="hidden" name="interaction" value={page.interaction} />
          <input type="hidden" name="shown" value={page.shown} />
          <p class="muted">
            <Filled text={texts.consent_signed_in_as} values={{ user: page.user }} />{' '}
            <Filled text={texts.consent_trust} values={named} />
          </p>
          <div class="decision">
            <button type="submit" id="allow" name="decision" value="allow" class="primary">
              {texts.consent_allow}
            </button>
            <button type="submit" id="deny" name="decision" value="deny">
              {texts.consent_deny}
            </button>
          </div>
        </form>
        <ClientLinks client={client} texts={texts} />
      </>
    ),
  })
}

function Item({ item, marksNew, texts }: { item: ConsentItem; marksNew: boolean; texts: Texts }) {
  const builtIn = find(texts.scopes, item.scope)
  const description = item.description ?? (item.title ? undefined : builtIn?.description)
  return (
    <li>
      <p class="grant-title">
        <bdi>{item.title ?? builtIn?.title ?? item.scope}</bdi>
        {marksNew && item.isNew ? <span class="badge">{texts.consent_new}</span> : null}
      </p>
      {description ? <p class="muted">{description}</p> : null}
      {item.claims.length > 0 ? <p class="muted claims">{claimNames(item.claims, texts)}</p> : null}
    </li>
  )
}

const claimNames = (claims: string[], texts: Texts): string =>
  claims.map((claim) => find(texts.claims, claim) ?? claim).join(', ')

/** A scope or claim may be named `constructor`. */
const find = <T,>(table: Record<string, T>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined
