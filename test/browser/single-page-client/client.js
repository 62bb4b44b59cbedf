// A single-page client on its own origin, using oidc-client-ts. `#result` shows the result of the last action.
const { oidc } = window
const manager = new oidc.UserManager({
  authority: new URLSearchParams(location.search).get('authority') ?? sessionStorage.getItem('authority'),
  client_id: 'single-page',
  redirect_uri: `${location.origin}/`,
  scope: 'openid profile email offline_access',
  loadUserInfo: true,
  automaticSilentRenew: false,
  monitorSession: false,
})
sessionStorage.setItem('authority', manager.settings.authority)

const show = (result) => {
  document.getElementById('result').textContent = JSON.stringify(result)
}

/** Runs an action, and shows its result or error. */
const act = (action) => async () => {
  show('working')
  try {
    show(await action())
  } catch (error) {
    show({ failed: error.message })
  }
}

const tokensOf = ({ access_token, id_token, refresh_token, scope, profile }) => ({
  access_token,
  id_token,
  refresh_token,
  scope,
  profile,
})

const actions = {
  'sign-in': () => manager.signinRedirect(),
  async userinfo() {
    const user = await manager.getUser()
    const headers = { authorization: `Bearer ${user.access_token}` }
    const response = await fetch(await manager.metadataService.getUserInfoEndpoint(), { headers })
    return { status: response.status, challenge: response.headers.get('www-authenticate'), body: await response.json() }
  },
  renew: async () => tokensOf(await manager.signinSilent()),
  async revoke() {
    await manager.revokeTokens()
    return tokensOf(await manager.getUser())
  },
}
for (const [id, action] of Object.entries(actions)) document.getElementById(id).addEventListener('click', act(action))

if (new URLSearchParams(location.search).has('state')) {
  await act(async () => tokensOf(await manager.signinRedirectCallback()))()
  // Removes the code from the address bar and the history.
  history.replaceState(undefined, '', '/')
} else {
  show('ready')
}
