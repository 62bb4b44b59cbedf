// Faults of a file that should hold a private key and its certificate: PKCS#12, PEM or JWK.

export type KeyFileFault =
  | 'not_pkcs12'
  | 'not_pem'
  | 'not_jwk'
  /** Or the file was changed: a MAC does not tell the two apart. */
  | 'wrong_password'
  /** A password was given, but the file has no MAC that proves that its author knew the password. */
  | 'no_mac'
  | 'no_key'
  | 'several_keys'
  /** Web Crypto cannot import the key. */
  | 'unusable_key'
  | 'no_matching_certificate'
  | 'unsupported_algorithm'
  | 'iterations_too_high'
  | 'too_large'
  | 'too_deep'

/** The message is for administrators. It never contains a password or a byte of the key. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError'
  readonly code: KeyFileFault

  constructor(code: KeyFileFault, message: string) {
    super(message)
    this.code = code
  }
}
