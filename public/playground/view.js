// What the page shows: exchanges, tokens, checks and problems. Everything that came from elsewhere goes in as text.
import { curlCommand, secretsOf, wireText } from './exchange.js'
import { decodeJwt } from './jwt.js'

/** `element('p', { class: 'muted' }, 'text', child)`; empty children are left out. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name)
  for (const [property, value] of Object.entries(properties)) {
    if (property === 'onclick') made.addEventListener('click', value)
    else if (value !== undefined) made.setAttribute(property, value)
  }
  made.append(...children.flat().filter((child) => child !== undefined && child !== ''))
  return made
}

/** Request and answer, side by side where there is room. */
export function exchangeView(title, request, response) {
  const secrets = secretsOf(request, response)
  return element(
    'article',
    { class: 'exchange' },
    element('h3', {}, title),
    element(
      'div',
      { class: 'two-columns' },
      requestView(request, secrets),
      response ? answerView(response, secrets) : undefined,
    ),
    response && !response.ok ? problemView(problemOf(response)) : undefined,
  )
}

export function requestView(request, secrets = secretsOf(request)) {
  return element(
    'section',
    { class: 'wire' },
    element(
      'div',
      { class: 'wire-head' },
      element('p', { class: 'label' }, 'Request'),
      copyButton('Copy as curl', curlCommand(request)),
    ),
    element('pre', {}, withSecrets(wireText(request), secrets)),
  )
}

function answerView(response, secrets) {
  if (response.fault) return element('section', { class: 'wire' }, element('p', { class: 'label' }, 'No answer'))
  const text = response.json ? JSON.stringify(response.json, undefined, 2) : response.text
  const headers = response.headers.map(([name, value]) => `${name}: ${value}`)
  return element(
    'section',
    { class: 'wire' },
    element(
      'div',
      { class: 'wire-head' },
      element('p', { class: 'label' }, 'Answer'),
      element('span', { class: response.ok ? 'badge' : 'badge bad' }, `${response.status}`),
      element('span', { class: 'muted' }, `${response.milliseconds} ms`),
    ),
    element('pre', {}, withSecrets([...headers, '', text].join('\n').trimEnd(), secrets)),
  )
}

function problemOf(response) {
  if (response.fault) return { error: 'No answer', description: response.fault }
  return {
    error: response.json?.error ?? `HTTP ${response.status}`,
    description: response.json?.error_description ?? challengeOf(response),
    requestId: response.requestId,
  }
}

const challengeOf = (response) => response.headers.find(([name]) => name === 'www-authenticate')?.[1]

/** A refusal, and where its reason is found. */
export function problemView({ error, description, requestId }) {
  const command = `npm run why -- ${requestId}`
  return element(
    'div',
    { class: 'problem', role: 'alert' },
    element('p', {}, element('strong', {}, error)),
    description ? element('p', {}, description) : undefined,
    requestId
      ? element(
          'p',
          { class: 'hint' },
          'What was expected and what came: ',
          element('code', {}, command),
          ' ',
          copyButton('Copy', command),
        )
      : undefined,
  )
}

/** What was compared: `[{ holds, name, detail }]`. */
export function checksView(checks) {
  const items = checks.map(({ holds, name, detail }) =>
    element(
      'li',
      { class: holds ? 'holds' : 'fails' },
      element('span', { class: 'unseen' }, holds ? 'Holds: ' : 'Fails: '),
      name,
      detail ? element('span', { class: 'muted' }, ` ${detail}`) : undefined,
    ),
  )
  return element('ul', { class: 'checks' }, items)
}

/** A token in its parts. */
export function tokenView(title, token, checks) {
  const jwt = decodeJwt(token)
  const head = element('div', { class: 'wire-head' }, element('h3', {}, title), copyButton('Copy token', token))
  if (!jwt) {
    const note = element('p', { class: 'muted' }, 'Opaque: it means something to the provider only.')
    return element('article', { class: 'token' }, head, element('pre', {}, withSecrets(token, [token])), note)
  }
  return element(
    'article',
    { class: 'token' },
    head,
    checksView(checks),
    element('h4', {}, 'Header'),
    membersView(jwt.header),
    element('h4', {}, 'Claims'),
    membersView(jwt.claims),
  )
}

function membersView(members) {
  const rows = Object.entries(members).map(([name, value]) =>
    element(
      'div',
      {},
      element('dt', {}, element('code', {}, name)),
      element(
        'dd',
        {},
        element('code', {}, typeof value === 'string' ? value : JSON.stringify(value)),
        times.includes(name) ? element('span', { class: 'muted' }, ` ${timeInWords(value)}`) : undefined,
      ),
    ),
  )
  return element('dl', { class: 'members' }, rows)
}

const times = ['exp', 'iat', 'nbf', 'auth_time', 'updated_at']

/** `21 Nov 2026, 12:00:00 (in 59 minutes)`, for seconds since 1970. */
function timeInWords(seconds) {
  const language = document.documentElement.lang
  const moment = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' }).format(seconds * 1000)
  const distance = seconds - Date.now() / 1000
  const [size, unit] = units.find(([limit]) => Math.abs(distance) >= limit) ?? [1, 'second']
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' })
  return `${moment} (${relative.format(Math.round(distance / size), unit)})`
}

const units = [
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
]

function copyButton(label, text) {
  const button = element(
    'button',
    {
      type: 'button',
      class: 'small',
      onclick: async () => {
        await navigator.clipboard.writeText(text)
        button.textContent = 'Copied'
        announce('Copied')
        setTimeout(() => {
          button.textContent = label
        }, 2000)
      },
    },
    label,
  )
  return button
}

/** For those who do not see that something appeared. */
export function announce(text) {
  document.getElementById('status').textContent = text
}

const hidden = new WeakMap()

/** The text as nodes, its secrets apart: `hideSecrets` shortens them. */
function withSecrets(text, secrets) {
  let pieces = [text]
  for (const secret of [...secrets].sort((a, b) => b.length - a.length)) {
    pieces = pieces.flatMap((piece) => (typeof piece === 'string' ? around(piece, secret) : [piece]))
  }
  return pieces
}

function around(piece, secret) {
  return piece.split(secret).flatMap((rest, index) => (index > 0 ? [secretView(secret), rest] : [rest]))
}

function secretView(secret) {
  const view = element('span', { class: 'secret' })
  hidden.set(view, secret)
  showSecret(view)
  return view
}

function showSecret(view) {
  const secret = hidden.get(view)
  const isHidden = document.getElementById('hide-secrets').checked
  view.textContent = isHidden ? `•••••• (${secret.length} characters)` : secret
}

/** After the choice to hide them changed. */
export function showSecrets() {
  for (const view of document.querySelectorAll('.secret')) showSecret(view)
}
