// The least that any answer costs: constant text, or the body and headers given as BODY and HEADERS.
export default {
  fetch(_request, env) {
    return new Response(env.BODY, { headers: env.HEADERS })
  },
}
