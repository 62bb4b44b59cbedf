// Telling the Subjects: what tokens need to know of a person must reach the person's object at once (DESIGN §3, principle 5).

import { askSubject } from '../grants/subject/ask-subject.ts'
import type { Person } from '../model/person.ts'
import type { RequestContext } from '../request/context.ts'

/** Before D1 is written, for a change that takes rights away: throws 503, and nothing has changed. */
export function pushFirst(context: RequestContext, person: Person): Promise<void> {
  return askSubject(context, person.subject_ref, (subject) => subject.update(person))
}

/** After D1 was written. False: not acknowledged, twice; the next sign-in or change brings it. */
export async function pushAfter(context: RequestContext, person: Person): Promise<boolean> {
  for (let attempt = 1; attempt <= 2; attempt++) {
    try {
      await pushFirst(context, person)
      return true
    } catch {
      context.log({ unacknowledged: person.user_id })
    }
  }
  return false
}

/** The platform opens six connections at once. */
const atOnce = 6

export async function eachPerson<Result>(
  persons: Person[],
  push: (person: Person) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  for (let at = 0; at < persons.length; at += atOnce) {
    results.push(...(await Promise.all(persons.slice(at, at + atOnce).map(push))))
  }
  return results
}
