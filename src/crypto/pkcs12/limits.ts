// Limits on what one key file may cost to read. A file is refused before the part that exceeds a limit is computed.
import { KeyFileError, type KeyFileFault } from '../key-file-error.ts'

/** Bytes of a file, and characters of a text. */
export const largestFile = 2 ** 20
/** Bytes. Usual certificates have one or two thousand. */
export const largestCertificate = 2 ** 16
export const deepestNesting = 32
/** BER elements of a file. A certificate in its bag has about fifteen. */
const maxElements = 5000
/** The platform's limit on PBKDF2 (workerd: io/limit-enforcer.h): more works locally and fails in production. */
export const maxIterations = 100_000
/** For all parts of a file together: what openssl's -legacy format needs with `maxIterations`. A few seconds of CPU. */
const maxRounds = 6 * maxIterations

/** The state of reading one file: what it may still cost. */
export interface Reading {
  /** The fault code if the bytes are not of the expected format. */
  malformed: Extract<KeyFileFault, 'not_pkcs12' | 'not_pem'>
  elements: number
  rounds: number
}

/** `attempts`: the number of password encodings that are tried on each part. */
export const startReading = (malformed: Reading['malformed'], attempts: number): Reading => ({
  malformed,
  elements: maxElements,
  rounds: maxRounds / attempts,
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
  if (reading.elements < 0) throw new KeyFileError('too_large', `the file has more than ${maxElements} elements`)
}

/** `chains`: how many times all iterations run for one key. */
export function spendRounds(reading: Reading, iterations: number, chains: number): void {
  if (iterations < 1) throw malformed(reading, 'an iteration count below 1')
  reading.rounds -= iterations * chains
  if (iterations > maxIterations || reading.rounds < 0) {
    throw new KeyFileError(
      'iterations_too_high',
      `the file asks for ${iterations} iterations in one part, or too many in all; at most ${maxIterations} are computed`,
    )
  }
}
