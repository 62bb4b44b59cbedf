// Two companies on loopback: people of Contoso sign in to our application with Contoso's own provider, and get an account and groups here.
import { randomBytes } from 'node:crypto'
import { operatorOf } from '../operator.ts'
import { type Server, serve } from '../server.ts'

export interface ExternalDemo {
  /** The external provider, which has the accounts. */
  contoso: Server
  /** The instance whose users sign in with Contoso; it serves the playground. */
  here: Server
  person: { username: string; password: string }
  stop(): Promise<void>
}

const logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><circle cx="12" cy="12" r="11" fill="#7a3fb0"/><path d="M16 8a5.5 5.5 0 1 0 0 8" fill="none" stroke="#fff" stroke-width="2.5" stroke-linecap="round"/></svg>`

export async function startExternalDemo(): Promise<ExternalDemo> {
  const [contoso, here] = await Promise.all([serve(), serve({ vars: { PLAYGROUND: 'on' } })])
  try {
    const person = { username: 'dana', password: randomBytes(12).toString('base64url') }
    const secret = randomBytes(32).toString('base64url')
    await seedContoso(contoso, here, person, secret)
    await seedHere(here, contoso, secret)
    return { contoso, here, person, stop: () => stopBoth(contoso, here) }
  } catch (error) {
    await stopBoth(contoso, here)
    throw error
  }
}

const stopBoth = async (...servers: Server[]): Promise<void> => {
  await Promise.all(servers.map((server) => server.stop()))
}

/** Throws an Error with the response if the provider refuses. */
async function put(server: Server, path: string, body: unknown, method = 'PUT'): Promise<void> {
  const operator = operatorOf(server.issuer, server.secrets.OPERATOR_TOKEN)
  const { status, body: result } = await operator.request(method, path, body)
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(result)}`)
}

async function seedContoso(
  contoso: Server,
  here: Server,
  person: ExternalDemo['person'],
  secret: string,
): Promise<void> {
  await put(contoso, 'settings', { display_name: 'Contoso' }, 'PATCH')
  await put(contoso, 'groups/sales-emea', { name: 'Sales EMEA' })
  await put(contoso, 'users/dana', {
    password: person.password,
    name: 'Dana Demo',
    given_name: 'Dana',
    family_name: 'Demo',
    email: 'dana@contoso.example',
    email_verified: true,
    locale: 'nl-NL',
    groups: ['sales-emea'],
  })
  await put(contoso, 'scopes/groups', { claims: [{ claim: 'groups', destination: 'id_token' }] })
  await put(contoso, 'clients/countersign', {
    client_name: 'Countersign',
    redirect_uris: [`${here.issuer}/external/callback/contoso`],
    post_logout_redirect_uris: [`${here.issuer}/external/signed-out`],
    scopes: ['openid', 'profile', 'email', 'groups'],
    secrets: [{ value: secret, label: 'demo' }],
  })
}

async function seedHere(here: Server, contoso: Server, secret: string): Promise<void> {
  await put(here, 'groups/sales', { name: 'Sales' })
  await put(here, 'groups/guests', { name: 'Guests' })
  await put(here, 'clients/playground', {
    client_name: 'Playground',
    token_endpoint_auth_method: 'none',
    redirect_uris: [`${here.issuer}/playground/`],
    post_logout_redirect_uris: [`${here.issuer}/playground/`],
    scopes: ['openid', 'profile', 'email'],
  })
  const template = (claim: string) => ({ claim })
  await put(here, 'identity-providers/contoso', {
    name: 'Contoso',
    enabled: true,
    metadata_endpoint: `${contoso.issuer}/.well-known/openid-configuration`,
    client_id: 'countersign',
    client_secret: secret,
    scopes: ['openid', 'profile', 'email', 'groups'],
    sign_in_icon: `data:image/svg+xml;base64,${btoa(logo)}`,
    provisioning_enabled: true,
    user_template: {
      name: template('name'),
      given_name: template('given_name'),
      family_name: template('family_name'),
      email: template('email'),
      locale: { claim: 'locale', default: 'en' },
    },
    group_mappings: [{ group_id: 'guests' }, { group_id: 'sales', when: { claim: 'groups', value: 'Sales EMEA' } }],
  })
}
