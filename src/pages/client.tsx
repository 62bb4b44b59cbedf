// Shows the client that a person comes from: logo or initial, name, policy and terms.
import { initialOf } from './layout.tsx'
import { safeLink } from './links.ts'
import type { Texts } from './texts.ts'

export interface PageClient {
  client_name: string
  client_uri?: string | null
  logo_uri: string | null
  policy_uri: string | null
  tos_uri: string | null
}

export function ClientLogo({ client }: { client: PageClient }) {
  const logo = safeLink(client.logo_uri)
  if (logo) return <img class="logo" src={logo} alt="" width="48" height="48" referrerpolicy="no-referrer" />
  return (
    <span class="logo initial" aria-hidden="true">
      {initialOf(client.client_name)}
    </span>
  )
}

/** The client's name, linked to its home page when it has one. */
export function ClientName({ client, texts }: { client: PageClient; texts: Texts }) {
  const home = safeLink(client.client_uri)
  return home ? <NewTab href={home} texts={texts} text={client.client_name} /> : <span>{client.client_name}</span>
}

/** Opens in a new tab, so that the page stays as it was while the person reads the terms. */
function NewTab({ href, texts, text }: { href: string; texts: Texts; text: string }) {
  return (
    <a href={href} target="_blank" rel="noopener noreferrer">
      {text}
      <span class="unseen"> {texts.opens_in_new_tab}</span>
    </a>
  )
}

export function ClientLinks({ client, texts }: { client: PageClient; texts: Texts }) {
  const policy = safeLink(client.policy_uri)
  const terms = safeLink(client.tos_uri)
  if (!policy && !terms) return null
  return (
    <footer class="client-links">
      <bdi>{client.client_name}</bdi>
      {policy ? <NewTab href={policy} texts={texts} text={texts.client_policy} /> : null}
      {terms ? <NewTab href={terms} texts={texts} text={texts.client_terms} /> : null}
    </footer>
  )
}
