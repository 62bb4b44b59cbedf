// The provider's settings. Only a setting that an operator has set has a row.
import { eq } from 'drizzle-orm'
import { defaultSettings, type ProviderSettings } from '../model/settings.ts'
import type { Database, Statement } from './database.ts'
import { settings } from './schema.ts'

export async function findSettings(db: Database): Promise<Partial<ProviderSettings>> {
  const rows = await db.select().from(settings)
  // Skips names that this version does not know, because another version set them.
  return Object.fromEntries(rows.filter((row) => row.name in defaultSettings).map((row) => [row.name, row.value]))
}

export function saveSetting(db: Database, name: keyof ProviderSettings, value: unknown): Statement {
  return db.insert(settings).values({ name, value }).onConflictDoUpdate({ target: settings.name, set: { value } })
}

/** Returns the setting to its default. */
export function deleteSetting(db: Database, name: keyof ProviderSettings): Statement {
  return db.delete(settings).where(eq(settings.name, name))
}
