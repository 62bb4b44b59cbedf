// Floor of any response: returns BODY and HEADERS as they are.
export default {
  fetch(_request, env) {
    return new Response(env.BODY, { headers: env.HEADERS })
  },
}
