// `none` (RFC 7591 §2): a public client names itself and proves nothing.
import type { ClientAuthenticationMethod } from './method.ts'

export const none: ClientAuthenticationMethod = {
  name: 'none',
  needs: 'nothing',
  carrier: 'client_id',
  // It is what remains if no other method is presented.
  isPresented: () => false,
  read: async ({ client_id }) => (client_id === undefined ? undefined : { client_id, verify: async () => undefined }),
}
