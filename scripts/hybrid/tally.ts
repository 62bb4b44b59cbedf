// Counts verified tokens by signer and verifier, and keeps the failures.

export interface Tally {
  count(signer: string, verifier: string): void
  fail(signer: string, verifier: string, fault: unknown): void
  verifications(): number
  failures(): string[]
  /** The counts as a table, one line per signer. */
  lines(signers: string[], verifiers: string[]): string[]
}

export function newTally(): Tally {
  const counts = new Map<string, number>()
  const failures: string[] = []
  const pair = (signer: string, verifier: string) => `${signer}\n${verifier}`
  return {
    count: (signer, verifier) => void counts.set(pair(signer, verifier), (counts.get(pair(signer, verifier)) ?? 0) + 1),
    fail(signer, verifier, fault) {
      failures.push(`${verifier}, token signed by ${signer}: ${fault instanceof Error ? fault.message : fault}`)
    },
    verifications: () => [...counts.values()].reduce((sum, count) => sum + count, 0),
    failures: () => failures,
    lines(signers, verifiers) {
      const width = 2 + Math.max(...[...signers, ...verifiers].map((name) => name.length))
      const row = (cells: string[]) => cells.map((cell) => cell.padEnd(width)).join('')
      const countsOf = (signer: string) => verifiers.map((verifier) => String(counts.get(pair(signer, verifier)) ?? 0))
      return [row(['signed by', ...verifiers]), ...signers.map((signer) => row([signer, ...countsOf(signer)]))]
    },
  }
}
