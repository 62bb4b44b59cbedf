// Chooses the language of a page: ui_locales (OIDC Core §3.1.2.1) first, then Accept-Language (RFC 9110 §12.5.4).
import { type Locale, textsOf } from './texts.ts'

/** The rest of a longer list is ignored: no honest client sends so many languages. */
const longestList = 32

/** Returns the first language of the list that the pages have. */
export function chooseLocale(uiLocales: string[] | undefined, acceptLanguage: string | null, fallback: Locale): Locale {
  const asked = uiLocales?.slice(0, longestList) ?? []
  const tags = [...asked, ...parseAcceptLanguage(acceptLanguage ?? '')]
  return tags.map(spokenLocale).find((locale) => locale !== undefined) ?? fallback
}

/** RFC 4647 §3.4: `nl-BE` is answered in `nl`. */
function spokenLocale(tag: string): Locale | undefined {
  const language = tag.split('-', 1)[0]?.toLowerCase() ?? ''
  return Object.hasOwn(textsOf, language) ? (language as Locale) : undefined
}

/** Language tags, the most wanted first. */
function parseAcceptLanguage(header: string): string[] {
  return header
    .split(',', longestList)
    .map((entry) => {
      const [tag = '', weight] = entry.split(';', 2).map((part) => part.trim())
      return { tag, quality: weight?.startsWith('q=') ? Number(weight.slice(2)) : 1 }
    })
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .map(({ tag }) => tag)
}
