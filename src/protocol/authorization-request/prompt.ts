// `prompt` (OIDC Core §3.1.2.1).
import { invalidRequest } from '../../model/oauth-errors.ts'
import type { ReceivedFromClient } from './known.ts'
import { spaceSeparated } from './space-separated.ts'

export const prompts = ['none', 'login', 'consent', 'select_account'] as const
export type Prompt = (typeof prompts)[number]

export function parsePrompt({ parameters }: ReceivedFromClient): { prompt: Prompt[] } {
  const values = spaceSeparated(parameters.get('prompt')) ?? []
  const isKnown = (value: string): value is Prompt => prompts.some((known) => known === value)
  if (values.every(isKnown) && !(values.includes('none') && values.length > 1)) return { prompt: values }
  throw invalidRequest({
    description: 'prompt has a value that is unknown or excludes the others',
    check: 'prompt',
    expected: 'none alone, or some of login, consent, select_account',
    received: values.join(' '),
    fix: 'correct the prompt parameter',
  })
}
