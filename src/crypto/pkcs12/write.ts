// Writes a PKCS#12 file (RFC 7292): one private key, its certificate and chain, encrypted under one password.
import type { CertifiedKey } from '../certified-key.ts'
import * as der from '../der.ts'
import { type EncryptionName, encrypt } from './encryption.ts'
import { bmpString, type PasswordForm, passwordForms } from './kdf.ts'
import { encodeMac } from './mac.ts'
import { oids } from './oids.ts'

export interface Pkcs12Content extends Omit<CertifiedKey, 'chain'> {
  chain?: Uint8Array[]
  /** Shown by Windows beside the certificate; keytool uses it in lower case as the alias. */
  friendlyName?: string
}

export interface WritingOptions {
  /**
   * `aes256` (default): AES-256, PBKDF2 and SHA-256. Read by Windows 10 1809 and Server 2019 on, .NET, Java 8u301 on, OpenSSL 1.0.2 on.
   * `3des`: read by every Windows, including Server 2016 (which reports a wrong password for the other), and imported by Key Vault. Not the
   * default, since OpenSSL and Java in FIPS mode refuse it, and its key derivation protects a weak password for less time.
   */
  encryption?: EncryptionName
  /** For tests. */
  iterations?: number
}

/**
 * For `aes256` the production limit of PBKDF2. In `3des` files PKCS#12's own derivation runs seven times the count, at a microsecond or
 * more each.
 */
const usualIterations: Readonly<Record<EncryptionName, number>> = { aes256: 100_000, '3des': 20_000 }

/** Takes some tenths of a second of CPU. */
export async function writePkcs12(
  content: Pkcs12Content,
  password: string,
  { encryption = 'aes256', iterations = usualIterations[encryption] }: WritingOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const [form] = passwordForms(password)
  const attributes = await keyAttributes(content)
  const certificates = [
    certificateBag(content.certificate, attributes),
    ...(content.chain ?? []).map((each) => certificateBag(each)),
  ]
  const sealedKey = encrypt(encryption, iterations, content.privateKey, form)
  const keyInfo = der.sequence(sealedKey.algorithm, der.octetString(sealedKey.ciphertext))
  const authenticatedSafe = der.sequence(
    encryptedPart(der.sequence(...certificates), encryption, iterations, form),
    dataPart(der.sequence(bag(oids.shroudedKeyBag, keyInfo, attributes))),
  )
  const mac = encodeMac(encryption === '3des' ? 'sha1' : 'sha256', iterations, authenticatedSafe, form)
  return der.sequence(der.count(3), dataPart(authenticatedSafe), mac)
}

const explicit = (...contents: Uint8Array[]) => der.encode(0xa0, ...contents)

const bag = (id: string, value: Uint8Array, attributes: Uint8Array[]) =>
  der.sequence(der.oid(id), explicit(value), ...(attributes.length > 0 ? [der.set(...attributes)] : []))

const certificateBag = (certificate: Uint8Array, attributes: Uint8Array[] = []) =>
  bag(
    oids.certificateBag,
    der.sequence(der.oid(oids.x509Certificate), explicit(der.octetString(certificate))),
    attributes,
  )

/** Key and certificate bear the same localKeyId, by which readers match them (RFC 2985 §5.5). As in OpenSSL, it is the thumbprint. */
async function keyAttributes({ certificate, friendlyName }: Pkcs12Content): Promise<Uint8Array[]> {
  const thumbprint = new Uint8Array(await crypto.subtle.digest('SHA-1', certificate))
  const localKeyId = attribute(oids.localKeyId, der.octetString(thumbprint))
  if (friendlyName === undefined) return [localKeyId]
  return [attribute(oids.friendlyName, der.encode(der.tags.bmpString, bmpString(friendlyName))), localKeyId]
}

const attribute = (id: string, value: Uint8Array) => der.sequence(der.oid(id), der.set(value))

const dataPart = (content: Uint8Array) => der.sequence(der.oid(oids.data), explicit(der.octetString(content)))

/** RFC 5652 §8: EncryptedData, version 0. */
function encryptedPart(content: Uint8Array, name: EncryptionName, iterations: number, form: PasswordForm) {
  const { algorithm, ciphertext } = encrypt(name, iterations, content, form)
  const contentInfo = der.sequence(der.oid(oids.data), algorithm, der.encode(0x80, ciphertext))
  return der.sequence(der.oid(oids.encryptedData), explicit(der.sequence(der.count(0), contentInfo)))
}
