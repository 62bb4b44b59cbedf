// The subjects of the measurement: floor Workers, Countersign and the peer. A phase is named `server operation alg`, as in the report.
import { aBrowser, basic, pkce, redirectOf } from '../test/node/server.ts'
import { askForTokens, authorizationQuery, type ConfidentialClient, codeFields, redirectUri } from './driver.ts'
import { requestText } from './http.ts'
import type { Credentials, Target, Visitor } from './load.ts'
import type { Subject } from './measure.ts'
import type { Algorithm, Fixtures, Instance } from './prepare.ts'
import type { Process } from './processes.ts'

export const documents = {
  discovery: '/.well-known/openid-configuration',
  jwks: '/.well-known/openid-configuration/jwks',
}

// All requests share one verifier: `state` and the code already make each request new to the server.
const { code_verifier, code_challenge } = pkce()
const grantTypes = { code: 'authorization_code', client: 'client_credentials' }

/** A floor gets the request of the operation that it is compared with, whether or not it reads it. */
export function floorSubject(pid: number, port: number, name: string): Subject {
  const token = 't'.repeat(700)
  const host = '127.0.0.1'
  const credentials = basic('client', 's'.repeat(43))
  const post = (fields: Record<string, string>) => requestText(host, '/connect/token', credentials, fields)
  const request = /sign/.test(name)
    ? post({ grant_type: grantTypes.client, scope: 'full_api_access' })
    : /posted/.test(name)
      ? post({ token })
      : requestText(host, '/connect/userinfo', { authorization: `Bearer ${token}` })
  return {
    pid,
    target: { port, host },
    phases: [{ name: `floor ${name}`, scenario: { kind: 'requests', requests: [request] } }],
  }
}

/** The subjects of one Countersign instance; `who` is `ours`, `crowded` or `logged`. */
export function oursAt(who: string, instance: Instance, alg: Algorithm, fixtures: Fixtures) {
  const { pid, port, host } = instance
  if (!pid) throw new Error('CPU time is read from /proc: run this on Linux')
  const target = { port, host }
  const phase = (what: string, requests: string[]): Subject => ({
    pid,
    target,
    phases: [{ name: `${who} ${what} ${alg}`, scenario: { kind: 'requests', requests } }],
  })
  const paths = { authorize: '/connect/authorize', token: '/connect/token' }
  return {
    discovery: phase('discovery', [requestText(host, documents.discovery)]),
    jwks: phase('jwks', [requestText(host, documents.jwks)]),
    clientCredentials: phase(
      'client_credentials',
      clientRequests(host, paths.token, fixtures.clients, 'full_api_access'),
    ),
    introspection: phase(
      'introspection',
      fixtures.accessTokens.map(({ token, client }) =>
        requestText(host, '/connect/introspect', { authorization: client.authorization }, { token }),
      ),
    ),
    userinfo: phase(
      'userinfo',
      fixtures.accessTokens.map(({ token }) =>
        requestText(host, '/connect/userinfo', { authorization: `Bearer ${token}` }),
      ),
    ),
    ...codeAndRefresh({ who, alg, pid, target, paths, visitors: fixtures.visitors, chains: fixtures.chains }),
  }
}

/** The subjects of oidc-provider. Signs in one user per client and keeps its session cookie. */
export async function peerAt(peer: Process, alg: Algorithm, clients: ConfidentialClient[]) {
  const { pid, port } = peer
  const target = { port, host: `127.0.0.1:${port}` }
  const issuer = `http://${target.host}`
  const visitors: Visitor[] = []
  const chains: { token: string; client: Credentials }[] = []
  for (const client of clients) {
    const browser = aBrowser(issuer)
    const query = new URLSearchParams({ ...authorizationQuery(code_challenge), client_id: client.clientId, state: 's' })
    const code = redirectOf(await browser.open(`${issuer}/auth?${query}`)).searchParams.get('code') ?? ''
    const fields = codeFields({ code, code_verifier })
    const { body } = await askForTokens(`${issuer}/token`, client, fields)
    if (!body.refresh_token) throw new Error(`the peer gave no refresh token: ${JSON.stringify(body)}`)
    const credentials = { clientId: client.clientId, ...basic(client.clientId, client.secret) }
    visitors.push({ cookie: [...browser.cookies].map((pair) => pair.join('=')).join('; '), client: credentials })
    chains.push({ token: body.refresh_token, client: credentials })
  }
  const paths = { authorize: '/auth', token: '/token' }
  const requests = clientRequests(target.host, paths.token, clients, 'api')
  const clientCredentials: Subject = {
    pid,
    target,
    phases: [{ name: `peer client_credentials ${alg}`, scenario: { kind: 'requests', requests } }],
  }
  return { clientCredentials, ...codeAndRefresh({ who: 'peer', alg, pid, target, paths, visitors, chains }) }
}

function clientRequests(host: string, path: string, clients: ConfidentialClient[], scope: string): string[] {
  const fields = { grant_type: grantTypes.client, scope }
  return clients.map(({ clientId, secret }) => requestText(host, path, basic(clientId, secret), fields))
}

interface Site {
  who: string
  alg: Algorithm
  pid: number
  target: Target
  paths: { authorize: string; token: string }
  visitors: Visitor[]
  chains: { token: string; client: Credentials }[]
}

/** The code flow in two phases, so that the token request has its own figure, and the refresh flow. */
function codeAndRefresh({ who, alg, pid, target, paths, visitors, chains }: Site): { code: Subject; refresh: Subject } {
  const key = `${who} ${alg}`
  const query = authorizationQuery(code_challenge)
  const fields = { grant_type: grantTypes.code, redirect_uri: redirectUri, code_verifier }
  return {
    code: {
      pid,
      target,
      phases: [
        {
          name: `${who} authorize ${alg}`,
          scenario: { kind: 'authorize', key, path: paths.authorize, query, visitors },
        },
        { name: `${who} redeem ${alg}`, scenario: { kind: 'redeem', key, path: paths.token, fields } },
      ],
    },
    refresh: {
      pid,
      target,
      phases: [{ name: `${who} refresh ${alg}`, scenario: { kind: 'refresh', key, path: paths.token, chains } }],
    },
  }
}
