// The name of a login name outside the directory: an HMAC, because names of Durable Objects are logged and a login name may identify a person.
import { createHmac } from 'node:crypto'
import { base64url, utf8 } from '../crypto/encoding.ts'
import type { SecretKey } from '../crypto/seal.ts'
import type { RequestContext } from '../request/context.ts'

type IssuerContext = Pick<RequestContext, 'deployment' | 'issuer'>

/** Under the first pepper, for this issuer. `loginName` is normalised. */
export function loginNameKey({ deployment, issuer }: IssuerContext, loginName: string): Uint8Array {
  const [key] = deployment.pepper
  if (!key) throw new Error('a login name needs a pepper')
  return nameKey(key, issuer.url, loginName)
}

/** Under every known pepper, so that a cookie that was bound under an older one stays bound. */
export function loginNameKeys({ deployment, issuer }: IssuerContext, loginName: string): string[] {
  return deployment.pepper.map((key) => base64url(nameKey(key, issuer.url, loginName)))
}

function nameKey(key: SecretKey, issuer: string, loginName: string): Uint8Array {
  const ofPurpose = createHmac('sha256', key.bytes)
    .update(utf8(`countersign login name ${issuer}`))
    .digest()
  return createHmac('sha256', ofPurpose).update(utf8(loginName)).digest()
}
