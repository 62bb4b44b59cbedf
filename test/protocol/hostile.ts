// Hostile texts for parsers of untrusted input, and a stopwatch.
import fc from 'fast-check'
import { expect } from 'vitest'
import { OAuthError } from '../../src/model/errors.ts'

/** Untrusted text: any characters, and pieces that mean something to a parser. */
export const hostileText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ maxLength: 200 }),
  fc
    .array(
      fc.constantFrom(
        ...['openid', ' ', '%', '%00', '%zz', '%C0%AF', '&', '=', '+', '"', '\\', '{', '}', '[', ']', ':', ','],
        ...['__proto__', 'constructor', 'null', '1e99', '-1', '\r\n', '\0', '\ufffd', '😀', 'javascript:', '//', '@'],
      ),
      { maxLength: 40 },
    )
    .map((parts) => parts.join('')),
)

/** The value that `parse` returns, or the OAuthError it throws. Any other error fails the test. */
export function outcomeOf<T>(parse: () => T): { value: T } | { refusal: OAuthError } {
  try {
    return { value: parse() }
  } catch (error) {
    expect(error).toBeInstanceOf(OAuthError)
    return { refusal: error as OAuthError }
  }
}

export async function outcomeOfAsync<T>(parse: () => Promise<T>): Promise<{ value: T } | { refusal: OAuthError }> {
  try {
    return { value: await parse() }
  } catch (error) {
    expect(error).toBeInstanceOf(OAuthError)
    return { refusal: error as OAuthError }
  }
}

/** The error code of the refusal. Returns undefined if `parse` accepts. */
export function refusalOf(parse: () => unknown): string | undefined {
  const outcome = outcomeOf(parse)
  return 'refusal' in outcome ? outcome.refusal.code : undefined
}

/** Milliseconds of one call: the fastest of five, so that a busy machine does not count. */
export function millisecondsOf(call: () => unknown): number {
  const times = Array.from({ length: 5 }, () => {
    const start = performance.now()
    call()
    return performance.now() - start
  })
  return Math.min(...times)
}

export async function millisecondsOfAsync(call: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const start = performance.now()
    await call()
    times.push(performance.now() - start)
  }
  return Math.min(...times)
}

/** Texts of 50 KB that a backtracking pattern would be slow on, one for each kind of repetition. */
export const longTexts: string[] = [
  'a'.repeat(50_000),
  `${'a'.repeat(50_000)}!`,
  `${' '.repeat(50_000)}"`,
  `${'a '.repeat(25_000)}\\`,
  `${'.a'.repeat(25_000)}!`,
  `${'a@'.repeat(25_000)}`,
  `${'a.b-'.repeat(12_500)}:`,
  `${'%41'.repeat(16_666)}%`,
  `${'a=&'.repeat(16_666)}`,
  `${'[{"a":'.repeat(8_333)}`,
  `http://127.0.0.1:${'1'.repeat(50_000)}/cb`,
  `http://127.0.0.1/${'/'.repeat(50_000)}\n`,
  `${'en;q=0.1,'.repeat(5_555)}`,
  `${'-'.repeat(50_000)},${';'.repeat(50)}`,
]
