// Parses untrusted JSON of bounded size into an object of bounded depth (SECURITY-CASES I11).

import { deepestDocument, isDeeperThan } from '../crypto/json-depth.ts'

/** Returns undefined if the text is not a JSON object, or is deeper than `deepestDocument`. */
export function parseJsonDocument(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return isDeeperThan(value, deepestDocument) ? undefined : (value as Record<string, unknown>)
  } catch {
    return undefined
  }
}
