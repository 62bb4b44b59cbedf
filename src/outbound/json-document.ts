// JSON objects that strangers send, in a text of bounded size: never deeper than what comes after us can walk (SECURITY-CASES I11).

import { deepestDocument, isDeeperThan } from '../crypto/json-depth.ts'

/** Undefined: not JSON, not an object, or deeper than anybody means. */
export function parseJsonDocument(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return isDeeperThan(value, deepestDocument) ? undefined : (value as Record<string, unknown>)
  } catch {
    return undefined
  }
}
