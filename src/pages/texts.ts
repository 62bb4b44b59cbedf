// The texts of the pages, one file per language.
import { de } from './texts/de.ts'
import { en, type Texts } from './texts/en.ts'
import { nl } from './texts/nl.ts'

export type { Texts } from './texts/en.ts'

export type Locale = 'en' | 'nl' | 'de'

export const textsOf: Record<Locale, Texts> = { en, nl, de }
