// Reads a PKCS#12 file (RFC 7292; .pfx, .p12): one private key, its certificate, and the certificates above that.
import { type CertifiedKey, certify, importPrivateKey, parsePrivateKeyInfo } from '../certified-key.ts'
import { KeyFileError } from '../key-file-error.ts'
import { type BerElement, parseBer } from './ber.ts'
import { decrypt } from './encryption.ts'
import { type PasswordForm, passwordForms } from './kdf.ts'
import { checkSize, type Reading, startReading } from './limits.ts'
import { hasMac } from './mac.ts'
import { type Bag, type Pkcs12Structure, parseBags, parseStructure, type Sealed } from './structure.ts'

/**
 * No password and the empty password are the same. Throws only KeyFileError. CPU time depends on the file's iteration counts (bounded by
 * limits.ts): some milliseconds for usual files.
 */
export async function readPkcs12(bytes: Uint8Array<ArrayBuffer>, password = ''): Promise<CertifiedKey> {
  checkSize(bytes.length)
  const forms = passwordForms(password)
  const reading = startReading('not_pkcs12', forms.length)
  const structure = parseStructure(bytes, reading)
  const proven = proveForms(structure, password, forms)
  const bags = structure.parts.flatMap((part) => openPart(part, proven, reading))
  const key = openKey(oneKey(bags), proven, reading)
  const certificates = bags.flatMap((bag) => (bag.kind === 'certificate' ? [bag.certificate] : []))
  return certify(await importPrivateKey(parsePrivateKeyInfo(key, reading)), certificates)
}

/** The password encoding that the MAC proves. A file without MAC, as Key Vault writes, is read only if no password was given. */
function proveForms({ mac, content }: Pkcs12Structure, password: string, forms: PasswordForm[]): PasswordForm[] {
  if (!mac) {
    if (password === '') return forms
    throw new KeyFileError(
      'no_mac',
      'the file has no MAC to prove the password: it can only be read without a password',
    )
  }
  const proven = forms.find((form) => hasMac(mac, content, form))
  if (!proven) throw wrongPassword()
  return [proven]
}

const wrongPassword = (): KeyFileError =>
  new KeyFileError('wrong_password', 'the password is wrong, or the file was changed since it was written')

function openPart(part: Bag[] | Sealed, forms: PasswordForm[], reading: Reading): Bag[] {
  return Array.isArray(part) ? part : parseBags(openSealed(part, forms, reading), reading)
}

/** Decrypts one element. Throws `wrong_password` if no encoding of the password works. */
export function openSealed({ encryption, ciphertext }: Sealed, forms: PasswordForm[], reading: Reading): BerElement {
  for (const form of forms) {
    const plaintext = decrypt(encryption, ciphertext, form)
    const element = plaintext && parseOpened(plaintext, reading)
    if (element) return element
  }
  throw wrongPassword()
}

/** Returns undefined if the plaintext is not BER: one wrong password in 256 leaves padding that looks right. */
function parseOpened(plaintext: Uint8Array<ArrayBuffer>, reading: Reading): BerElement | undefined {
  try {
    return parseBer(plaintext, reading)
  } catch (error) {
    if (error instanceof KeyFileError && error.code === reading.malformed) return undefined
    throw error
  }
}

type KeyBag = Exclude<Bag, { kind: 'certificate' }>

function oneKey(bags: Bag[]): KeyBag {
  const keys = bags.filter((bag) => bag.kind !== 'certificate')
  const [key] = keys
  if (!key) throw new KeyFileError('no_key', 'the file holds no private key')
  if (keys.length > 1) throw new KeyFileError('several_keys', `the file holds ${keys.length} private keys, not one`)
  return key
}

const openKey = (bag: KeyBag, forms: PasswordForm[], reading: Reading): BerElement =>
  bag.kind === 'key' ? bag.info : openSealed(bag.sealed, forms, reading)
