// Writes and reads key files with other programs. If a program is not installed, its cases are left out, and a line says so.
import { execFile, execFileSync } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import forge from 'node-forge'
import { build } from 'vite'

export const folder = mkdtempSync(path.join(tmpdir(), 'countersign-pkcs12-'))
export const fileAt = (name: string): string => path.join(folder, name)
export const bytesOf = (name: string): Uint8Array<ArrayBuffer> => new Uint8Array(readFileSync(fileAt(name)))

const run = promisify(execFile)

/** Runs a program in `folder` and returns its output. Throws if it fails. */
export async function tool(program: string, ...argv: string[]): Promise<string> {
  const { stdout } = await run(program, argv, { cwd: folder })
  return stdout
}

/** True if the program runs on this machine. Otherwise prints that its cases are left out. */
export function isThere(program: string, ...argv: string[]): boolean {
  try {
    execFileSync(program, argv, { stdio: 'pipe' })
    return true
  } catch {
    console.log(`left out: ${[program, ...argv].join(' ')} does not run here`)
    return false
  }
}

export interface KeyFile {
  key: string
  certificates: string[]
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

/** The contents of a PEM text as Node reads it, in base64: the PKCS#8 key and the certificates, that of the key first. */
export function contentOfPem(pem: string): KeyFile {
  const privateKey = createPrivateKey(pem)
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  const certificates = blocks.map((block) => new X509Certificate(block))
  const isOwn = (certificate: X509Certificate) => certificate.checkPrivateKey(privateKey)
  const ordered = [...certificates.filter(isOwn), ...certificates.filter((each) => !isOwn(each))]
  const key = base64(privateKey.export({ format: 'der', type: 'pkcs8' }))
  return { key, certificates: ordered.map(({ raw }) => base64(raw)) }
}

export interface WorkerdReader {
  read(pfx: Uint8Array<ArrayBuffer>, password?: string): Promise<KeyFile | { fault: string }>
  stop(): Promise<void>
}

/** Starts a Worker that reads key files with our reader, as production does. */
export async function startWorkerdReader(): Promise<WorkerdReader> {
  const built = await build({
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      target: 'esnext',
      lib: { entry: path.join(import.meta.dirname, 'pkcs12-worker.ts'), formats: ['es'] },
      rolldownOptions: { external: ['node:crypto'] },
    },
  })
  const [output] = Array.isArray(built) ? built : []
  const contents = output?.output[0].code ?? ''
  const [, compatibilityDate = ''] = /^compatibility_date = "(.+)"/m.exec(readFileSync('wrangler.toml', 'utf8')) ?? []
  const modules = [{ type: 'ESModule' as const, path: 'reader.js', contents }]
  const worker = new Miniflare(convertV4MiniflareOptions({ modules, compatibilityDate, host: '127.0.0.1', cf: false }))
  return {
    async read(pfx, password = '') {
      const headers = { password: encodeURIComponent(password) }
      const response = await worker.dispatchFetch('http://reader', { method: 'POST', headers, body: pfx })
      return (await response.json()) as KeyFile | { fault: string }
    },
    stop: () => worker.dispose(),
  }
}

const binary = (bytes: Uint8Array): string => Buffer.from(bytes).toString('binary')

/** Writes a PFX with node-forge, which supports only RSA keys. */
export function writeWithForge(pem: string, password: string | null, options: forge.pkcs12.WriteOptions) {
  const [certificate = ''] = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  const key = forge.pki.privateKeyFromPem(pem)
  const asn1 = forge.pkcs12.toPkcs12Asn1(key, [forge.pki.certificateFromPem(certificate)], password, options)
  return new Uint8Array(Buffer.from(forge.asn1.toDer(asn1).getBytes(), 'binary'))
}

export function readWithForge(pfx: Uint8Array, password: string): { key: string; certificates: string[] } {
  const file = forge.pkcs12.pkcs12FromAsn1(forge.asn1.fromDer(binary(pfx)), password)
  const { pkcs8ShroudedKeyBag, certBag } = forge.pki.oids
  const encoded = (asn1: forge.asn1.Asn1) => Buffer.from(forge.asn1.toDer(asn1).getBytes(), 'binary').toString('base64')
  const [keyBag] = file.getBags({ bagType: pkcs8ShroudedKeyBag })[pkcs8ShroudedKeyBag] ?? []
  const certificates = file.getBags({ bagType: certBag })[certBag] ?? []
  // forge parses RSA keys into objects of its own and leaves others as ASN.1.
  const info = keyBag?.key ? forge.pki.wrapRsaPrivateKey(forge.pki.privateKeyToAsn1(keyBag.key)) : keyBag?.asn1
  return {
    key: info ? encoded(info) : '',
    certificates: certificates.map(({ cert, asn1 }) => encoded(cert ? forge.pki.certificateToAsn1(cert) : asn1)),
  }
}
