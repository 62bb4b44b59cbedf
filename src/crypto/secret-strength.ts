// Estimates how hard a typed client secret is to guess (SECURITY-CASES Rules 8). Secrets are stored as a plain SHA-256, so a guessable one
// must be refused. The estimate is an upper bound with three corrections; only a generated secret is certainly strong.

/** A typed secret with fewer bits is refused. */
export const leastSecretBits = 128

/** Upper bound in bits: characters × log2(alphabet), without repetitions, runs and words. */
export function estimateSecretBits(secret: string): number {
  if (secret === '') return 0
  const unit = withoutRepetition(secret)
  if (isMadeOfWords(unit)) return unit.replaceAll(/[^A-Za-z]/g, '').length * bitsPerLetterOfText
  return (unit.length - charactersInRuns(unit)) * Math.log2(Math.min(alphabetSize(unit), distinctLimit(unit)))
}

/** Shannon's estimate for prose is 1 to 1.5; random words of a list of 7776 have about 2. */
const bitsPerLetterOfText = 2

const alphabets: [RegExp, number][] = [
  [/^[0-9]+$/, 10],
  [/^[0-9a-f]+$|^[0-9A-F]+$/, 16],
  [/^[a-z]+$|^[A-Z]+$/, 26],
  [/^[0-9a-z]+$|^[0-9A-Z]+$/, 36],
  [/^[0-9A-Za-z]+$/, 62],
  [/^[\w+/=-]+$/, 64],
]

const alphabetSize = (text: string): number => alphabets.find(([form]) => form.test(text))?.[1] ?? 94

/** Random text of 32 hex digits has fewer than 8 different ones only once in 10^7; fewer mean that the alphabet is smaller than it looks. */
function distinctLimit(text: string): number {
  const distinct = new Set(text).size
  return distinct < 8 ? distinct : Number.POSITIVE_INFINITY
}

/** `abcabcabc` counts as `abc`. */
function withoutRepetition(text: string): string {
  return text.slice(0, (text + text).indexOf(text, 1))
}

/** Number of characters that continue a run such as `aaaa`, `abcd` or `4321`. Runs below six are ignored: random text has them. */
function charactersInRuns(text: string): number {
  let inRuns = 0
  let length = 1
  let step = 0
  for (let at = 1; at <= text.length; at++) {
    const next = text.charCodeAt(at) - text.charCodeAt(at - 1)
    if (next === step && Math.abs(step) <= 1) {
      length += 1
      continue
    }
    if (length >= 6) inRuns += length - 1
    step = next
    length = 2
  }
  return inRuns
}

/** Whether the text consists of words of usual length with a natural share of vowels, besides digits and separators. */
function isMadeOfWords(text: string): boolean {
  const words = text.match(/[A-Z][a-z]+|[a-z]{2,}|[A-Z]{3,}/g)
  const letters = words?.join('') ?? ''
  const rest = text.replaceAll(/[A-Z][a-z]+|[a-z]{2,}|[A-Z]{3,}/g, '')
  if (!words || letters.length < words.length * 4 || !/^[\d-_. !,']*$/.test(rest)) return false
  const vowels = letters.replaceAll(/[^aeiouyAEIOUY]/g, '')
  return rest.length <= letters.length / 2 && vowels.length >= letters.length / 4
}
