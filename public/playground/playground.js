// A public client of this provider that shows what it sends and what it gets: the code flow with PKCE, and client credentials.
import { basicAuthorization, describeRequest, send } from './exchange.js'
import { codeChallenge, decodeJwt, halfHash, randomText, verifySignature } from './jwt.js'
import {
  announce,
  checksView,
  element,
  exchangeView,
  problemView,
  requestView,
  showSecrets,
  tokenView,
} from './view.js'

const clientId = 'playground'
// The page's own address, whatever path the issuer has.
const redirectUri = new URL('.', import.meta.url).href
const issuer = new URL('..', import.meta.url).href.replace(/\/$/, '')
const now = () => Date.now() / 1000

const find = (id) => document.getElementById(id)
const show = (id, ...views) => find(id).replaceChildren(...views)
const prepend = (id, ...views) => find(id).prepend(...views)
const isText = (value) => typeof value === 'string'

/** Sends, shows under `output`, and tells a screen reader. */
async function exchange(title, description, output) {
  const request = describeRequest(description)
  const response = await send(request)
  prepend(output, exchangeView(title, request, response))
  announce(`${title}: ${response.fault ?? response.status}`)
  return response
}

// Step 1: the provider's own description.

let metadata
let keys = []

async function discover() {
  const url = `${issuer}/.well-known/openid-configuration`
  const response = await exchange('Discovery document', { url }, 'discovery')
  metadata = response.ok ? response.json : undefined
  const holds = metadata?.issuer === issuer
  const detail = holds ? issuer : `${issuer} was asked, ${metadata?.issuer ?? 'nobody'} answered`
  find('discovery').append(checksView([{ holds, name: 'The issuer is the address it was asked at', detail }]))
  find('discovery').closest('details').open = !holds
  if (metadata) await fetchKeys()
}

async function fetchKeys() {
  const response = await exchange('Signing keys', { url: metadata.jwks_uri }, 'keys')
  keys = response.json?.keys ?? []
}

/** A kid nobody knows may be a key that is newer than what was fetched. */
async function signatureCheck(jwt) {
  if (!keys.some(({ kid }) => kid === jwt.header.kid)) await fetchKeys()
  return { name: 'Signature', ...(await verifySignature(jwt, keys)) }
}

// Step 2: the authorization request. What must be remembered until the browser is back lies in sessionStorage.

const remembered = 'playground.request'
let asked

async function prepareRequest() {
  // Values that were sent once are not sent again.
  if (!asked || asked.isSent) asked = { state: randomText(), nonce: randomText(), verifier: randomText() }
  asked.challenge = await codeChallenge(asked.verifier)
  showRequest()
}

function showRequest() {
  show('request', requestView(describeRequest({ url: authorizationUrl() })))
}

function authorizationUrl() {
  const form = new FormData(find('authorize-form'))
  const url = new URL(metadata.authorization_endpoint)
  const parameters = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: form.get('scope'),
    state: asked.state,
    nonce: asked.nonce,
    code_challenge: asked.challenge,
    code_challenge_method: 'S256',
    prompt: form.get('prompt'),
    login_hint: form.get('login_hint'),
    max_age: form.get('max_age'),
    ui_locales: form.get('ui_locales'),
    ...Object.fromEntries(new URLSearchParams(form.get('further'))),
  }
  for (const [name, value] of Object.entries(parameters)) if (value) url.searchParams.set(name, value)
  return url
}

async function goToProvider(event) {
  event.preventDefault()
  await prepareRequest()
  const fields = Object.fromEntries(new FormData(find('authorize-form')))
  sessionStorage.setItem(remembered, JSON.stringify({ ...asked, fields, isSent: true }))
  location.assign(authorizationUrl())
}

/** Back from the provider, step 2 shows what was sent. Undefined when this page asked for nothing. */
function recallRequest() {
  const kept = sessionStorage.getItem(remembered)
  sessionStorage.removeItem(remembered)
  if (!kept) return undefined
  asked = JSON.parse(kept)
  for (const [name, value] of Object.entries(asked.fields)) find(name).value = value
  showRequest()
  return asked
}

// Step 3: the authorization response (RFC 6749 §4.1.2, RFC 9207).

let code
let sent

async function receiveResponse(parameters) {
  // The code leaves the address bar, and with it the history.
  history.replaceState(undefined, '', redirectUri)
  sent = recallRequest()
  if (!sent) await prepareRequest()

  const iss = parameters.get('iss')
  const checks = [
    { holds: Boolean(sent) && parameters.get('state') === sent.state, name: 'state is the one this page sent' },
    { holds: iss === issuer, name: 'iss is this issuer', detail: iss ?? 'missing' },
  ]
  const url = `${redirectUri}?${parameters}`
  show('response', requestView(describeRequest({ url })), checksView(checks))
  if (parameters.has('error')) {
    const problem = { error: parameters.get('error'), description: parameters.get('error_description') }
    find('response').append(problemView(problem))
  } else if (checks.every(({ holds }) => holds)) {
    code = parameters.get('code')
    find('redeem').disabled = false
  }
  find('step-response').scrollIntoView()
}

// Step 4: code → tokens.

let tokens

async function redeemCode() {
  find('redeem').disabled = true
  const form = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    client_id: clientId,
    code_verifier: sent.verifier,
  }
  const description = { method: 'POST', url: metadata.token_endpoint, form }
  const response = await exchange('Code for tokens', description, 'tokens')
  if (response.ok) await receiveTokens(response.json, 'tokens', { nonce: sent.nonce })
}

/** Takes over what came; what did not come again stays valid (RFC 6749 §6). */
async function receiveTokens(received, output, expected) {
  tokens = { ...tokens, ...received }
  offerActions()
  const views = []
  if (isText(received.id_token))
    views.push(tokenView('ID token', received.id_token, await idTokenChecks(received, expected)))
  if (isText(received.access_token)) {
    views.push(tokenView('Access token', received.access_token, await accessTokenChecks(received.access_token)))
  }
  find(output)
    .querySelector('.exchange')
    .append(...views)
}

/** OIDC Core §3.1.3.7, §3.1.3.8. */
async function idTokenChecks(received, { nonce }) {
  const jwt = decodeJwt(received.id_token)
  if (!jwt) return []
  const { claims, header } = jwt
  const checks = [
    await signatureCheck(jwt),
    { holds: claims.iss === issuer, name: 'iss is this issuer' },
    { holds: [claims.aud].flat().includes(clientId), name: 'aud is this client' },
    { holds: claims.exp > now(), name: 'exp lies ahead' },
  ]
  // A refreshed ID token need not repeat the nonce (§12.2).
  if (nonce) checks.push({ holds: claims.nonce === nonce, name: 'nonce is the one this page sent' })
  if (claims.at_hash) {
    const holds = claims.at_hash === (await halfHash(received.access_token, header.alg))
    checks.push({ holds, name: 'at_hash belongs to the access token' })
  }
  return checks
}

/** What a resource server would look at (RFC 9068 §4). */
async function accessTokenChecks(token) {
  const jwt = decodeJwt(token)
  if (!jwt) return []
  return [
    await signatureCheck(jwt),
    { holds: jwt.claims.iss === issuer, name: 'iss is this issuer' },
    { holds: jwt.claims.exp > now(), name: 'exp lies ahead' },
  ]
}

// Step 5: what tokens are for.

function offerActions() {
  for (const id of ['userinfo', 'revoke-access']) find(id).disabled = !tokens.access_token
  for (const id of ['refresh', 'revoke-refresh']) find(id).disabled = !tokens.refresh_token
}

const actions = {
  userinfo: () => {
    const authorization = `Bearer ${tokens.access_token}`
    return exchange('Userinfo', { url: metadata.userinfo_endpoint, authorization }, 'used')
  },
  refresh: async () => {
    const form = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token, client_id: clientId }
    const description = { method: 'POST', url: metadata.token_endpoint, form }
    const response = await exchange('Refresh', description, 'used')
    if (response.ok) await receiveTokens(response.json, 'used', {})
  },
  'revoke-access': () => revoke('access_token'),
  'revoke-refresh': () => revoke('refresh_token'),
}

function revoke(kind) {
  const form = { token: tokens[kind], token_type_hint: kind, client_id: clientId }
  const title = kind === 'access_token' ? 'Revoke the access token' : 'Revoke the refresh token'
  return exchange(title, { method: 'POST', url: metadata.revocation_endpoint, form }, 'used')
}

// Client credentials: a confidential client that acts as its linked user (RFC 6749 §4.4).

let machineToken

/** The form's client, as the request carries it: in a header, or in the body. */
function machineAuthentication() {
  const [id, secret] = [find('client-id').value, find('client-secret').value]
  if (find('method').value === 'client_secret_basic') return { authorization: basicAuthorization(id, secret), form: {} }
  return { form: { client_id: id, client_secret: secret } }
}

function machineRequest(url, form) {
  const authentication = machineAuthentication()
  return { ...authentication, method: 'POST', url, form: { ...form, ...authentication.form } }
}

async function getMachineToken(event) {
  event.preventDefault()
  const scope = find('machine-scope').value
  const form = { grant_type: 'client_credentials', ...(scope ? { scope } : {}) }
  const response = await exchange('Client credentials', machineRequest(metadata.token_endpoint, form), 'machine')
  if (!response.ok || !isText(response.json?.access_token)) return
  machineToken = response.json.access_token
  for (const id of ['introspect', 'revoke-machine']) find(id).disabled = false
  const view = tokenView('Access token', machineToken, await accessTokenChecks(machineToken))
  find('machine').querySelector('.exchange').append(view)
}

const machineActions = {
  introspect: () =>
    exchange('Introspection', machineRequest(metadata.introspection_endpoint, { token: machineToken }), 'machine'),
  'revoke-machine': () =>
    exchange('Revoke the token', machineRequest(metadata.revocation_endpoint, { token: machineToken }), 'machine'),
}

/** `#client_id=…&client_secret=…` fills the form, opens its tab, and leaves the address bar. */
function readFragment() {
  const fragment = new URLSearchParams(location.hash.slice(1))
  if (!fragment.has('client_id')) return
  history.replaceState(undefined, '', redirectUri)
  find('client-id').value = fragment.get('client_id')
  find('client-secret').value = fragment.get('client_secret') ?? ''
  selectTab(find('tab-machine'))
}

// Tabs, as in the ARIA Authoring Practices.

const tabs = [...document.querySelectorAll('[role=tab]')]

function selectTab(chosen) {
  for (const tab of tabs) {
    const isChosen = tab === chosen
    tab.setAttribute('aria-selected', String(isChosen))
    tab.tabIndex = isChosen ? 0 : -1
    find(tab.getAttribute('aria-controls')).hidden = !isChosen
  }
}

function moveTab(event) {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
  if (!step) return
  const next = tabs.at((tabs.indexOf(event.currentTarget) + step) % tabs.length)
  selectTab(next)
  next.focus()
}

function listen() {
  for (const tab of tabs) {
    tab.addEventListener('click', () => selectTab(tab))
    tab.addEventListener('keydown', moveTab)
  }
  find('hide-secrets').checked = sessionStorage.getItem('playground.hide') === 'yes'
  find('hide-secrets').addEventListener('change', (event) => {
    sessionStorage.setItem('playground.hide', event.target.checked ? 'yes' : 'no')
    showSecrets()
  })
  find('authorize-form').addEventListener('input', prepareRequest)
  find('authorize-form').addEventListener('submit', goToProvider)
  find('redeem').addEventListener('click', redeemCode)
  find('machine-form').addEventListener('submit', getMachineToken)
  for (const [id, act] of Object.entries({ ...actions, ...machineActions })) find(id).addEventListener('click', act)
  addEventListener('hashchange', readFragment)
}

listen()
readFragment()
await discover()
if (metadata) {
  const returned = new URLSearchParams(location.search)
  await (returned.has('code') || returned.has('error') ? receiveResponse(returned) : prepareRequest())
  for (const id of ['sign-in', 'get-token']) find(id).disabled = false
} else {
  show(
    'request',
    element('p', { class: 'muted' }, 'Without the discovery document there is nowhere to send a request.'),
  )
}
