// How much one key file may make us read and compute. A file is refused before anything is computed for the part that exceeds it.
import { KeyFileError, type KeyFileFault } from '../key-file-error.ts'

/** Bytes of a file, and characters of a text. */
export const largestFile = 2 ** 20
/** Bytes. Real certificates have one or two thousand. */
export const largestCertificate = 2 ** 16
export const deepestNesting = 32
/** Of BER. A certificate in its bag makes about fifteen. */
const mostElements = 5000
/** The platform's own cap on PBKDF2 (workerd: io/limit-enforcer.h); what runs locally above it fails once deployed. */
export const mostIterations = 100_000
/** Of all parts of one file: what openssl's -legacy format takes at the most iterations we allow. A few seconds of CPU. */
const mostRounds = 6 * mostIterations

/** One file being read: what it may still cost. */
export interface Reading {
  /** The fault of bytes that are not the format's. */
  malformed: Extract<KeyFileFault, 'not_pkcs12' | 'not_pem'>
  elements: number
  rounds: number
}

/** `attempts`: how many forms of the password are tried on each part. */
export const startReading = (malformed: Reading['malformed'], attempts: number): Reading => ({
  malformed,
  elements: mostElements,
  rounds: mostRounds / attempts,
})

export const malformed = (reading: Reading, what: string): KeyFileError =>
  new KeyFileError(reading.malformed, `the file is damaged or of another format: ${what}`)

export const unsupported = (what: string): KeyFileError =>
  new KeyFileError('unsupported_algorithm', `${what} is not supported`)

export function checkSize(length: number): void {
  if (length > largestFile) {
    throw new KeyFileError('too_large', `the file has ${length} bytes, more than ${largestFile}`)
  }
}

export function countElement(reading: Reading): void {
  reading.elements -= 1
  if (reading.elements < 0) throw new KeyFileError('too_large', `the file has more than ${mostElements} elements`)
}

/** `chains`: how many times the iterations are run through for one key. */
export function spendRounds(reading: Reading, iterations: number, chains: number): void {
  if (iterations < 1) throw malformed(reading, 'an iteration count below 1')
  reading.rounds -= iterations * chains
  if (iterations > mostIterations || reading.rounds < 0) {
    throw new KeyFileError(
      'iterations_too_high',
      `the file asks for ${iterations} iterations in one part, or too many in all; at most ${mostIterations} are computed`,
    )
  }
}
