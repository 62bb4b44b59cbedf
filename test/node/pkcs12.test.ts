// PKCS#12 files of other programs, read in Node and in workerd, and ours, read by other programs.
import { writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KeyFileError } from '../../src/crypto/key-file-error.ts'
import { generateKeyMaterial } from '../../src/crypto/key-material.ts'
import { readPem, writePem } from '../../src/crypto/pem.ts'
import { readPkcs12 } from '../../src/crypto/pkcs12/read.ts'
import { writePkcs12 } from '../../src/crypto/pkcs12/write.ts'
import {
  bytesOf,
  contentOfPem,
  fileAt,
  folder,
  isThere,
  type KeyFile,
  readWithForge,
  startWorkerdReader,
  tool,
  type WorkerdReader,
  writeWithForge,
} from './pkcs12-tools.ts'

const hasOpenssl = isThere('openssl', 'version')
const hasKeytool = isThere('keytool', '-help')
const hasLegacy = hasOpenssl && isThere('openssl', 'list', '-providers', '-provider', 'legacy')

const password = 'Pä55 wörd €😀'
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

/** Arguments of `openssl req -newkey` by kind of key. */
const kinds: Record<string, string[]> = {
  rsa: ['rsa:2048'],
  p256: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  p384: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  p521: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-521'],
  ed25519: ['ed25519'],
}

let workerd: WorkerdReader
const pems: Record<string, string> = {}

async function readInNode(pfx: Uint8Array<ArrayBuffer>, secret?: string): Promise<KeyFile | { fault: string }> {
  try {
    const { privateKey, certificate, chain } = await readPkcs12(pfx, secret)
    return { key: base64(privateKey), certificates: [certificate, ...chain].map(base64) }
  } catch (error) {
    return { fault: error instanceof KeyFileError ? error.code : String(error) }
  }
}

async function expectBothToRead(pfx: Uint8Array<ArrayBuffer>, secret: string | undefined, expected: object) {
  expect(await readInNode(pfx, secret)).toEqual(expected)
  expect(await workerd.read(pfx, secret)).toEqual(expected)
}

/** Makes a key and its certificate in one PEM text. */
async function makePem(kind: string): Promise<void> {
  const how = kinds[kind] ?? []
  const request = ['req', '-x509', '-nodes', '-subj', `/CN=${kind}`, '-days', '30']
  await tool('openssl', ...request, '-newkey', ...how, '-keyout', `${kind}.key`, '-out', `${kind}.crt`)
  pems[kind] = `${Buffer.from(bytesOf(`${kind}.key`))}${Buffer.from(bytesOf(`${kind}.crt`))}`
  writeFileSync(fileAt(`${kind}.pem`), pems[kind])
}

/** Makes a P-256 chain of root, intermediate and leaf, written in an arbitrary order with an unrelated certificate. */
async function makeChain(): Promise<void> {
  const keyOf = (name: string) => ['-newkey', ...(kinds.p256 ?? []), '-nodes', '-keyout', `${name}.key`]
  await tool('openssl', 'req', '-x509', '-subj', '/CN=root', ...keyOf('root'), '-out', 'root.crt')
  for (const [name, issuer] of [
    ['intermediate', 'root'],
    ['leaf', 'intermediate'],
  ]) {
    const by = ['-CA', `${issuer}.crt`, '-CAkey', `${issuer}.key`]
    await tool('openssl', 'req', '-x509', '-subj', `/CN=${name}`, ...keyOf(`${name}`), ...by, '-out', `${name}.crt`)
  }
  // The certificate of p384 does not belong to the chain.
  const parts = ['root.crt', 'p384.crt', 'leaf.key', 'leaf.crt', 'intermediate.crt']
  pems.chain = parts.map((name) => Buffer.from(bytesOf(name)).toString()).join('')
  writeFileSync(fileAt('chain.pem'), pems.chain)
}

beforeAll(async () => {
  workerd = await startWorkerdReader()
  if (!hasOpenssl) return
  await Promise.all(Object.keys(kinds).map(makePem))
  await makeChain()
})

afterAll(async () => {
  await workerd.stop()
  await rm(folder, { recursive: true })
})

async function exported(kind: string, secret: string, ...options: string[]): Promise<Uint8Array<ArrayBuffer>> {
  const name = `${kind}-${Math.random()}.pfx`
  const from = ['pkcs12', '-export', '-in', `${kind}.pem`, '-out', name, '-passout', `pass:${secret}`]
  await tool('openssl', ...from, ...options)
  return bytesOf(name)
}

const pbe = (key: string, certificate = key) => ['-keypbe', key, '-certpbe', certificate]
const windows = [...pbe('PBE-SHA1-3DES'), '-macalg', 'sha1', '-iter', '2000']

describe.runIf(hasOpenssl)('a file of openssl', () => {
  it.each(Object.keys(kinds))('is read with a key of %s', async (kind) => {
    await expectBothToRead(await exported(kind, password), password, contentOfPem(pems[kind] ?? ''))
  })

  it.each([
    ['as Windows and .NET write it: 3DES, SHA-1, 2,000 iterations', windows],
    ['with unencrypted certificates', [...pbe('PBE-SHA1-3DES', 'NONE'), '-macalg', 'sha1']],
    ['with an unencrypted key', pbe('NONE')],
    ['under PBES2 with AES-128', pbe('AES-128-CBC')],
    ['under PBES2 with AES-192', pbe('AES-192-CBC')],
    ['under PBES2 with 3DES', pbe('DES-EDE3-CBC')],
    ['with a MAC of SHA-384', ['-macalg', 'sha384']],
    ['with a MAC of SHA-512', ['-macalg', 'sha512']],
    ['with one iteration', ['-iter', '1', '-nomaciter']],
  ])('is read %s', async (_, options) => {
    await expectBothToRead(await exported('rsa', password, ...options), password, contentOfPem(pems.rsa ?? ''))
  })

  it.runIf(hasLegacy).each([
    ['RC2-40 and 3DES (-legacy)', ['-legacy']],
    ['RC2-128', ['-legacy', ...pbe('PBE-SHA1-3DES', 'PBE-SHA1-RC2-128')]],
    ['RC2-40 for the key too', ['-legacy', ...pbe('PBE-SHA1-RC2-40')]],
  ])('is read under %s', async (_, options) => {
    await expectBothToRead(await exported('rsa', password, ...options), password, contentOfPem(pems.rsa ?? ''))
    await expectBothToRead(await exported('ed25519', '', ...options), '', contentOfPem(pems.ed25519 ?? ''))
  })

  it.each([
    ['as Windows writes it', windows],
    ['as openssl 3 does', []],
    ['as Key Vault does, 3DES and no MAC', [...windows, '-nomac']],
    ['without MAC or any encryption', [...pbe('NONE'), '-nomac']],
  ])('K09 is read with an empty password and with none: %s', async (_, options) => {
    const pfx = await exported('rsa', '', ...options)
    await expectBothToRead(pfx, '', contentOfPem(pems.rsa ?? ''))
    await expectBothToRead(pfx, undefined, contentOfPem(pems.rsa ?? ''))
  })

  it.each([
    ['under 3DES', windows],
    ['under AES', []],
    ['with an unencrypted key', pbe('NONE')],
  ])('K09 is refused under a wrong password: %s', async (_, options) => {
    const pfx = await exported('rsa', password, ...options)
    for (const wrong of ['', 'password', `${password}!`]) {
      await expectBothToRead(pfx, wrong, { fault: 'wrong_password' })
    }
  })

  it('gives the chain in order, without unrelated certificates', async () => {
    const contents = ['leaf', 'intermediate', 'root'].map((name) => Buffer.from(bytesOf(`${name}.crt`)).toString())
    const leaf = Buffer.from(bytesOf('leaf.key')).toString() + contents.join('')
    await expectBothToRead(await exported('chain', password), password, contentOfPem(leaf))
  })

  it('K09 is refused without a key or with a certificate of another key', async () => {
    await expectBothToRead(await exported('rsa', password, '-nokeys'), password, { fault: 'no_key' })
    const parts = ['p256.key', 'root.crt'].map((name) => Buffer.from(bytesOf(name)).toString())
    const { privateKey } = await readPem(pems.p256 ?? '')
    const { certificate } = await readPem(pems.p384 ?? '')
    const pfx = await writePkcs12({ privateKey, certificate }, password, { iterations: 1 })
    await expectBothToRead(pfx, password, { fault: 'no_matching_certificate' })
    await expect(readPem(parts.join(''))).rejects.toMatchObject({ code: 'no_matching_certificate' })
  })

  it('is read with 100,000 iterations, and refused with one more', async () => {
    const pfx = await exported('p256', password, '-iter', '100000')
    const expected = contentOfPem(pems.p256 ?? '')
    for (const [name, read] of [
      ['Node', readInNode],
      ['workerd', workerd.read],
    ] as const) {
      const start = performance.now()
      expect(await read(pfx, password)).toEqual(expected)
      console.log(`PKCS#12, EC, 3 × 100,000 iterations, ${name}: ${Math.round(performance.now() - start)} ms`)
    }
    const more = await exported('p256', password, '-iter', '100001')
    await expectBothToRead(more, password, { fault: 'iterations_too_high' })
  })
})

describe.runIf(hasKeytool && hasOpenssl)('keytool', () => {
  const java = (store: string, ...argv: string[]) =>
    tool('keytool', ...argv, '-keystore', store, '-storetype', 'PKCS12', '-storepass', 'changeit')

  it.each([
    ['RSA', ['-keyalg', 'RSA', '-keysize', '2048']],
    ['EC', ['-keyalg', 'EC', '-groupname', 'secp256r1']],
    ['Ed25519', ['-keyalg', 'Ed25519']],
  ])('writes %s that we read', async (name, options) => {
    const store = `keytool-${name.replaceAll(' ', '-')}.p12`
    await java(store, '-genkeypair', '-alias', 'signing', '-dname', 'CN=java', ...options)
    const pem = await tool('openssl', 'pkcs12', '-in', store, '-legacy', '-nodes', '-passin', 'pass:changeit')
    await expectBothToRead(bytesOf(store), 'changeit', contentOfPem(pem))
  })

  it('writes the format of Java before 8u301, which costs the most iterations of all we read', async () => {
    const key = ['-J-Dkeystore.pkcs12.legacy', '-keyalg', 'EC', '-groupname', 'secp256r1']
    await java('old.p12', '-genkeypair', '-alias', 'signing', '-dname', 'CN=java', ...key)
    const pem = await tool('openssl', 'pkcs12', '-in', 'old.p12', '-legacy', '-nodes', '-passin', 'pass:changeit')
    const start = performance.now()
    expect(await workerd.read(bytesOf('old.p12'), 'changeit')).toEqual(contentOfPem(pem))
    console.log(`PKCS#12 of Java before 8u301, 350,000 rounds, workerd: ${Math.round(performance.now() - start)} ms`)
  })

  it.each([
    ['rsa', 'aes256', {}],
    ['chain', '3des', {}],
    ['ed25519', 'aes256', { iterations: 1000 }],
  ] as const)('reads ours: %s, %s', async (kind, encryption, options) => {
    const content = await readPem(pems[kind] ?? '')
    const pfx = await writePkcs12({ ...content, friendlyName: 'Signing' }, 'changeit', { encryption, ...options })
    const [ours, theirs] = [`ours-${kind}.p12`, `from-ours-${kind}.p12`]
    writeFileSync(fileAt(ours), pfx)
    const from = ['-srckeystore', ours, '-srcstorepass', 'changeit', '-srcalias', 'signing']
    await java(theirs, '-importkeystore', '-noprompt', ...from)
    expect(await readInNode(bytesOf(theirs), 'changeit')).toEqual(await readInNode(pfx, 'changeit'))
  })
})

describe.runIf(hasOpenssl)('a file of ours', () => {
  const cases = [...Object.keys(kinds), 'chain'].flatMap((kind) =>
    (['aes256', '3des'] as const).map((encryption) => [kind, encryption] as const),
  )

  it.each(cases)('is read by openssl, by node-forge and by us: %s, %s', async (kind, encryption) => {
    const content = await readPem(pems[kind] ?? '')
    // node-forge computes PBKDF2 in JavaScript, so iterations are few, and takes passwords for Latin-1.
    const pfx = await writePkcs12({ ...content, friendlyName: 'Zoë' }, 'changeit', { encryption, iterations: 1000 })
    const expected = {
      key: base64(content.privateKey),
      certificates: [content.certificate, ...content.chain].map(base64),
    }
    await expectBothToRead(pfx, 'changeit', expected)
    expect(readWithForge(pfx, 'changeit')).toEqual(expected)
    const name = `ours-${kind}-${encryption}.pfx`
    writeFileSync(fileAt(name), pfx)
    const pem = await tool('openssl', 'pkcs12', '-in', name, '-nodes', '-passin', 'pass:changeit')
    expect(contentOfPem(pem)).toEqual(expected)
    expect(pem).toMatch(/localKeyID: (.+)\n[\s\S]+localKeyID: \1\n/)
  })

  it.each(['aes256', '3des'] as const)(
    'is read with the default iterations and a password of any Unicode characters: %s',
    async (encryption) => {
      const content = await readPem(pems.p256 ?? '')
      for (const secret of [password, '']) {
        const pfx = await writePkcs12(content, secret, { encryption })
        await expectBothToRead(pfx, secret, contentOfPem(pems.p256 ?? ''))
        writeFileSync(fileAt('usual.pfx'), pfx)
        const pem = await tool('openssl', 'pkcs12', '-in', 'usual.pfx', '-nodes', '-passin', `pass:${secret}`)
        expect(contentOfPem(pem)).toEqual(contentOfPem(pems.p256 ?? ''))
      }
    },
  )
})

describe.runIf(hasOpenssl)('PEM', () => {
  it.each(Object.keys(kinds))('of %s is read and written as openssl does', async (kind) => {
    const content = await readPem(pems[kind] ?? '')
    const expected = contentOfPem(pems[kind] ?? '')
    expect({ key: base64(content.privateKey), certificates: [base64(content.certificate)] }).toEqual(expected)
    expect(contentOfPem(writePem(content))).toEqual(expected)
  })

  it.each([
    ['SEC1', 'p256', ['ec']],
    ['PKCS#1', 'rsa', ['rsa', '-traditional']],
    ['PKCS#8 under PBES2 with AES', 'p384', ['pkcs8', '-topk8', '-passout', `pass:${password}`]],
    ['PKCS#8 under PBES2 with 3DES', 'rsa', ['pkcs8', '-topk8', '-v2', 'des3', '-passout', `pass:${password}`]],
    ['PKCS#8 under PKCS#12 3DES', 'rsa', ['pkcs8', '-topk8', '-v1', 'PBE-SHA1-3DES', '-passout', `pass:${password}`]],
  ])('is read with a key in %s', async (_, kind, command) => {
    const key = await tool('openssl', ...command, '-in', `${kind}.key`)
    const text = `${Buffer.from(bytesOf(`${kind}.crt`))}\r\n${key.replaceAll('\n', '\r\n')}`
    const { privateKey } = await readPem(text, password)
    expect(base64(privateKey)).toBe(contentOfPem(pems[kind] ?? '').key)
    if (text.includes('ENCRYPTED'))
      await expect(readPem(text, 'wrong')).rejects.toMatchObject({ code: 'wrong_password' })
  })
})

describe('node-forge', () => {
  it.each(['aes128', 'aes192', 'aes256', '3des'] as const)('writes %s that we read', async (algorithm) => {
    const pem = pems.rsa ?? (await pemOfOurs())
    for (const secret of ['changeit', '']) {
      const pfx = writeWithForge(pem, secret, { algorithm, count: 1000, friendlyName: 'forge' })
      await expectBothToRead(pfx, secret, contentOfPem(pem))
    }
    const open = writeWithForge(pem, null, { algorithm, useMac: false })
    await expectBothToRead(open, undefined, contentOfPem(pem))
  })
})

async function pemOfOurs(): Promise<string> {
  const material = await generateKeyMaterial('RSA', 2048, Date.now())
  return writePem({ ...material, chain: [] })
}
