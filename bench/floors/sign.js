// Floor of a signed token: one Web Crypto signature over a token of the usual size.
import { keysOf, signedToken } from './keys.js'

export default {
  async fetch(_request, env) {
    const { privateKey, algorithm } = await keysOf(env.ALG)
    const access_token = await signedToken(privateKey, algorithm)
    return Response.json(
      { access_token, token_type: 'Bearer', expires_in: 3600 },
      { headers: { 'cache-control': 'no-store' } },
    )
  },
}
