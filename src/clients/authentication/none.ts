// `none` (RFC 7591 §2): a public client names itself and proves nothing.
import type { ClientAuthenticationMethod } from './method.ts'

export const none: ClientAuthenticationMethod = {
  name: 'none',
  needs: 'nothing',
  carrier: 'client_id',
  // Chosen by chooseMethod if the request presents no other method.
  isPresented: () => false,
  read: async ({ client_id }) => (client_id === undefined ? undefined : { client_id, verify: async () => undefined }),
}
