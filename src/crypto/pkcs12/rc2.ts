// RC2 in CBC mode, decryption only (RFC 2268): old PKCS#12 files encrypt their certificates with it. workerd has RC2 for 128 bits only.

// biome-ignore format: the table of §2, sixteen a line
const piTable = Uint8Array.of(
  0xd9, 0x78, 0xf9, 0xc4, 0x19, 0xdd, 0xb5, 0xed, 0x28, 0xe9, 0xfd, 0x79, 0x4a, 0xa0, 0xd8, 0x9d,
  0xc6, 0x7e, 0x37, 0x83, 0x2b, 0x76, 0x53, 0x8e, 0x62, 0x4c, 0x64, 0x88, 0x44, 0x8b, 0xfb, 0xa2,
  0x17, 0x9a, 0x59, 0xf5, 0x87, 0xb3, 0x4f, 0x13, 0x61, 0x45, 0x6d, 0x8d, 0x09, 0x81, 0x7d, 0x32,
  0xbd, 0x8f, 0x40, 0xeb, 0x86, 0xb7, 0x7b, 0x0b, 0xf0, 0x95, 0x21, 0x22, 0x5c, 0x6b, 0x4e, 0x82,
  0x54, 0xd6, 0x65, 0x93, 0xce, 0x60, 0xb2, 0x1c, 0x73, 0x56, 0xc0, 0x14, 0xa7, 0x8c, 0xf1, 0xdc,
  0x12, 0x75, 0xca, 0x1f, 0x3b, 0xbe, 0xe4, 0xd1, 0x42, 0x3d, 0xd4, 0x30, 0xa3, 0x3c, 0xb6, 0x26,
  0x6f, 0xbf, 0x0e, 0xda, 0x46, 0x69, 0x07, 0x57, 0x27, 0xf2, 0x1d, 0x9b, 0xbc, 0x94, 0x43, 0x03,
  0xf8, 0x11, 0xc7, 0xf6, 0x90, 0xef, 0x3e, 0xe7, 0x06, 0xc3, 0xd5, 0x2f, 0xc8, 0x66, 0x1e, 0xd7,
  0x08, 0xe8, 0xea, 0xde, 0x80, 0x52, 0xee, 0xf7, 0x84, 0xaa, 0x72, 0xac, 0x35, 0x4d, 0x6a, 0x2a,
  0x96, 0x1a, 0xd2, 0x71, 0x5a, 0x15, 0x49, 0x74, 0x4b, 0x9f, 0xd0, 0x5e, 0x04, 0x18, 0xa4, 0xec,
  0xc2, 0xe0, 0x41, 0x6e, 0x0f, 0x51, 0xcb, 0xcc, 0x24, 0x91, 0xaf, 0x50, 0xa1, 0xf4, 0x70, 0x39,
  0x99, 0x7c, 0x3a, 0x85, 0x23, 0xb8, 0xb4, 0x7a, 0xfc, 0x02, 0x36, 0x5b, 0x25, 0x55, 0x97, 0x31,
  0x2d, 0x5d, 0xfa, 0x98, 0xe3, 0x8a, 0x92, 0xae, 0x05, 0xdf, 0x29, 0x10, 0x67, 0x6c, 0xba, 0xc9,
  0xd3, 0x00, 0xe6, 0xcf, 0xe1, 0x9e, 0xa8, 0x2c, 0x63, 0x16, 0x01, 0x3f, 0x58, 0xe2, 0x89, 0xa9,
  0x0d, 0x38, 0x34, 0x1b, 0xab, 0x33, 0xff, 0xb0, 0xbb, 0x48, 0x0c, 0x5f, 0xb9, 0xb1, 0xcd, 0x2e,
  0xc5, 0xf3, 0xdb, 0x47, 0xe5, 0xa5, 0x9c, 0x77, 0x0a, 0xa6, 0x20, 0x68, 0xfe, 0x7f, 0xc1, 0xad,
)

const blockLength = 8
const rotations = [1, 2, 3, 5] as const

/** Key expansion (§2): 64 words of 16 bits from a key with `effectiveBits`. */
function expandKey(key: Uint8Array, effectiveBits: number): Uint16Array {
  const bytes = new Uint8Array(128)
  const at = (index: number): number => bytes[index] ?? 0
  const pi = (index: number): number => piTable[index & 0xff] ?? 0
  bytes.set(key)
  for (let index = key.length; index < 128; index += 1) bytes[index] = pi(at(index - 1) + at(index - key.length))
  const effectiveBytes = Math.ceil(effectiveBits / 8)
  const mask = 0xff >> (8 * effectiveBytes - effectiveBits)
  bytes[128 - effectiveBytes] = pi(at(128 - effectiveBytes) & mask)
  for (let index = 127 - effectiveBytes; index >= 0; index -= 1) {
    bytes[index] = pi(at(index + 1) ^ at(index + effectiveBytes))
  }
  return Uint16Array.from({ length: 64 }, (_, index) => at(2 * index) | (at(2 * index + 1) << 8))
}

/** Decrypts in place (§4): `words` are the four little-endian words of a block. */
function decipherBlock(words: Uint16Array, key: Uint16Array): void {
  for (let round = 15; round >= 0; round -= 1) {
    unmix(words, key, 4 * round)
    if (round === 5 || round === 11) unmash(words, key)
  }
}

function unmix(words: Uint16Array, key: Uint16Array, keyAt: number): void {
  for (let index = 3; index >= 0; index -= 1) {
    const [before, second, third] = neighbours(words, index)
    const word = words[index] ?? 0
    const by = rotations[index] ?? 0
    const rotated = (word >>> by) | (word << (16 - by))
    words[index] = rotated - (key[keyAt + index] ?? 0) - (before & second) - (~before & third)
  }
}

function unmash(words: Uint16Array, key: Uint16Array): void {
  for (let index = 3; index >= 0; index -= 1) {
    const [before] = neighbours(words, index)
    words[index] = (words[index] ?? 0) - (key[before & 63] ?? 0)
  }
}

/** The words one, two and three places before, cyclically. */
const neighbours = (words: Uint16Array, index: number): [number, number, number] => [
  words[(index + 3) & 3] ?? 0,
  words[(index + 2) & 3] ?? 0,
  words[(index + 1) & 3] ?? 0,
]

/** Decrypts whole blocks, including the padding. */
export function decipherRc2(
  key: Uint8Array,
  effectiveBits: number,
  iv: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const expanded = expandKey(key, effectiveBits)
  const plaintext = new Uint8Array(ciphertext.length)
  const view = new DataView(plaintext.buffer)
  const words = new Uint16Array(4)
  let previous = iv
  for (let at = 0; at + blockLength <= ciphertext.length; at += blockLength) {
    const block = ciphertext.subarray(at, at + blockLength)
    for (let index = 0; index < 4; index += 1)
      words[index] = (block[2 * index] ?? 0) | ((block[2 * index + 1] ?? 0) << 8)
    decipherBlock(words, expanded)
    words.forEach((word, index) => {
      const mask = (previous[2 * index] ?? 0) | ((previous[2 * index + 1] ?? 0) << 8)
      view.setUint16(at + 2 * index, word ^ mask, true)
    })
    previous = block
  }
  return plaintext
}

/** Decrypts and removes the padding (RFC 8018 §6.1.1). Returns undefined if the padding is wrong. */
export function decryptRc2(
  key: Uint8Array,
  effectiveBits: number,
  iv: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array<ArrayBuffer> | undefined {
  if (ciphertext.length === 0 || ciphertext.length % blockLength !== 0) return undefined
  const padded = decipherRc2(key, effectiveBits, iv, ciphertext)
  const count = padded.at(-1) ?? 0
  const isPadding = count >= 1 && count <= blockLength && padded.subarray(-count).every((byte) => byte === count)
  return isPadding ? padded.subarray(0, -count) : undefined
}
