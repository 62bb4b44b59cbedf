// Password hashes as PHC strings: `$scrypt$ln=14,r=8,p=5,k=<pepper id>$<salt>$<hash>`, base64 without padding. The password (Unicode NFC)
// passes HMAC-SHA256 under the pepper before scrypt. For accounts imported from other systems two more forms are read, but never written:
// scrypt without `k` (no pepper) and `$pbkdf2-sha256$i=<iterations>$<salt>$<hash>`, both of the password as typed.
import { createHmac, pbkdf2Sync, scryptSync, timingSafeEqual } from 'node:crypto'
import { randomBytes, utf8 } from './encoding.ts'
import type { SecretKey } from './seal.ts'

export type PasswordVerdict = 'match' | 'match-rehash' | 'mismatch' | 'unreadable'

interface ScryptCost {
  ln: number
  r: number
  p: number
}

type StoredHash = { salt: Uint8Array; hash: Uint8Array } & (
  | { scheme: 'scrypt'; cost: ScryptCost; pepperId: number | undefined }
  | { scheme: 'pbkdf2'; iterations: number }
)

const current: ScryptCost = { ln: 14, r: 8, p: 5 }
const saltLength = 16
const hashLength = 32
/** The platform refuses scrypt above N·r·p = 2^20. Bytes: scrypt needs 128·N·r of the 128 MB of an isolate. */
const maxScryptWork = 2 ** 20
const maxScryptMemory = 64 * 2 ** 20
/** PBKDF2 with more iterations works locally and throws in production. */
const maxIterations = 100_000
/** PBKDF2 iterations that cost about as much as one of scrypt's `p` lanes at the current N and r. */
const iterationsPerLane = 150_000

/** Takes about 100 ms of CPU. Throws if `pepper` is empty. */
export async function hashPassword(password: string, pepper: SecretKey[]): Promise<string> {
  const [key] = pepper
  if (!key) throw new Error('hashing a password needs a pepper')
  const salt = randomBytes(saltLength)
  const hash = scrypt(peppered(password, key), salt, current)
  return `$scrypt$ln=${current.ln},r=${current.r},p=${current.p},k=${key.id}$${phcBase64(salt)}$${phcBase64(hash)}`
}

/**
 * Any result but a match takes one hash of the current cost (P03), whatever `phc` is: undefined (unknown user, or no password), malformed,
 * of a scheme or cost that the platform cannot compute, or under a pepper that no longer exists. `match-rehash`: hash the password again.
 */
export async function verifyPassword(
  password: string,
  phc: string | undefined,
  pepper: SecretKey[],
): Promise<PasswordVerdict> {
  const stored = phc === undefined ? undefined : parseHash(phc)
  const key = stored?.scheme === 'scrypt' ? pepper.find((each) => each.id === stored.pepperId) : undefined
  const isUnreadable = !stored || (stored.scheme === 'scrypt' && stored.pepperId !== undefined && !key)
  if (isUnreadable) {
    spend(current.p, password, pepper)
    return phc === undefined ? 'mismatch' : 'unreadable'
  }
  const input = key ? peppered(password, key) : utf8(password)
  const computed =
    stored.scheme === 'scrypt'
      ? scrypt(input, stored.salt, stored.cost)
      : pbkdf2Sync(input, stored.salt, stored.iterations, hashLength, 'sha256')
  if (!timingSafeEqual(computed, stored.hash)) {
    spend(current.p - lanesOf(stored), password, pepper)
    return 'mismatch'
  }
  return isCurrent(stored, pepper) ? 'match' : 'match-rehash'
}

function isCurrent(stored: StoredHash, pepper: SecretKey[]): boolean {
  if (stored.scheme !== 'scrypt' || stored.pepperId === undefined || stored.pepperId !== pepper[0]?.id) return false
  const { ln, r, p } = stored.cost
  return ln === current.ln && r === current.r && p === current.p
}

const peppered = (password: string, key: SecretKey): Uint8Array =>
  createHmac('sha256', key.bytes)
    .update(utf8(password.normalize('NFC')))
    .digest()

function scrypt(input: Uint8Array, salt: Uint8Array, { ln, r, p }: ScryptCost): Uint8Array {
  return scryptSync(input, salt, hashLength, { N: 2 ** ln, r, p, maxmem: maxScryptMemory + 2 ** 20 })
}

/** Spends the rest of the current cost, so that the time does not tell a cheap stored hash or an unknown name apart. */
function spend(lanes: number, password: string, pepper: SecretKey[]): void {
  const [key] = pepper
  if (lanes >= 1 && key) scrypt(peppered(password, key), dummySalt, { ...current, p: lanes })
}

const dummySalt = new Uint8Array(saltLength)

function lanesOf(stored: StoredHash): number {
  if (stored.scheme === 'pbkdf2') return Math.round(stored.iterations / iterationsPerLane)
  const { ln, r, p } = stored.cost
  return Math.round((2 ** ln * r * p) / (2 ** current.ln * current.r))
}

// The hash must have exactly 32 bytes: a truncated one would be a prefix that matches.
const scryptForm =
  /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})(?:,k=(\d{1,3}))?\$([A-Za-z\d+/]{11,86})\$([A-Za-z\d+/]{43})$/
const pbkdf2Form = /^\$pbkdf2-sha256\$i=(\d{1,7})\$([A-Za-z\d+/]{11,86})\$([A-Za-z\d+/]{43})$/

function parseHash(phc: string): StoredHash | undefined {
  return parseScrypt(phc) ?? parsePbkdf2(phc)
}

function parseScrypt(phc: string): StoredHash | undefined {
  const match = scryptForm.exec(phc)
  if (!match) return undefined
  const cost = { ln: Number(match[1]), r: Number(match[2]), p: Number(match[3]) }
  const blocks = 2 ** cost.ln * cost.r
  if (cost.ln < 1 || blocks * cost.p === 0 || blocks * cost.p > maxScryptWork || blocks * 128 > maxScryptMemory) {
    return undefined
  }
  const [salt, hash] = [parsePhcBase64(match[5]), parsePhcBase64(match[6])]
  const pepperId = match[4] === undefined ? undefined : Number(match[4])
  return salt && hash && { scheme: 'scrypt', cost, pepperId, salt, hash }
}

function parsePbkdf2(phc: string): StoredHash | undefined {
  const match = pbkdf2Form.exec(phc)
  const iterations = Number(match?.[1])
  if (!match || iterations < 1 || iterations > maxIterations) return undefined
  const [salt, hash] = [parsePhcBase64(match[2]), parsePhcBase64(match[3])]
  return salt && hash && { scheme: 'pbkdf2', iterations, salt, hash }
}

const phcBase64 = (bytes: Uint8Array): string => bytes.toBase64({ omitPadding: true })

function parsePhcBase64(text = ''): Uint8Array | undefined {
  try {
    return Uint8Array.fromBase64(text)
  } catch {
    return undefined
  }
}
