// Makes a row of the ring from a key version and an algorithm: kid, public JWK, sealed private key.
import { base64 } from '../../crypto/encoding.ts'
import { jwkThumbprint, keyMembers } from '../../crypto/jwk.ts'
import { importCertificateKey } from '../../crypto/key-material.ts'
import type { Sealer } from '../../crypto/seal.ts'
import { isCertificateAlgorithm, type SigningAlgorithm } from '../../crypto/signing-algorithms.ts'
import { thumbprints } from '../../crypto/x509.ts'
import type { ProviderSettings } from '../../model/settings.ts'
import type { SigningKeyRecord } from '../../storage/configuration-reads.ts'
import type { KeyVersion } from '../vaults/vault.ts'

export interface EntryOptions {
  vault: string
  kidForm: ProviderSettings['kid_form']
  keyWrapper: Sealer
  /** Milliseconds since 1970. */
  now: number
  /** Milliseconds since 1970. If later than `now`, the key is announced until then. */
  activatesAt: number
}

export async function createEntry(
  version: KeyVersion,
  alg: SigningAlgorithm,
  options: EntryOptions,
): Promise<SigningKeyRecord> {
  const publicJwk = await createPublicJwk(version.certificate, alg, options.kidForm)
  return {
    kid: publicJwk.kid,
    alg,
    state: options.activatesAt > options.now ? 'announced' : 'active',
    version: version.version,
    vault: options.vault,
    public_jwk: publicJwk,
    certificate: base64(version.certificate),
    wrapped_private_key: await options.keyWrapper.seal('signing-key', version.privateKey),
    created_at: options.now,
    activates_at: options.activatesAt,
    retired_at: null,
    gone_at: null,
  }
}

async function createPublicJwk(
  certificate: Uint8Array<ArrayBuffer>,
  alg: SigningAlgorithm,
  kidForm: EntryOptions['kidForm'],
): Promise<SigningKeyRecord['public_jwk']> {
  const key = await importCertificateKey(certificate, alg)
  const members = keyMembers((await crypto.subtle.exportKey('jwk', key)) as JsonWebKey)
  const { hex, x5t, 'x5t#S256': x5tS256 } = await thumbprints(certificate)
  const kid = kidOf(kidForm, alg, hex, await jwkThumbprint(members))
  const certificateMembers = { x5c: [base64(certificate)], x5t, 'x5t#S256': x5tS256 }
  return { ...members, use: 'sig', alg, kid, ...certificateMembers }
}

/** A kid must be unique per entry. In forms without the algorithm, one that shares a certificate (PS256) is appended. */
function kidOf(
  form: EntryOptions['kidForm'],
  alg: SigningAlgorithm,
  certificateHex: string,
  keyThumbprint: string,
): string {
  if (form === 'thumbprint-alg') return certificateHex + alg
  const name = form === 'thumbprint' ? certificateHex : keyThumbprint
  return isCertificateAlgorithm(alg) ? name : name + alg
}
