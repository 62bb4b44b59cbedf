// Pushes a user's record to the user's Subject, which issues tokens from it (DESIGN §3, principle 5).

import { askSubject } from '../grants/subject/ask-subject.ts'
import type { Person } from '../model/person.ts'
import type { RequestContext } from '../request/context.ts'

/** Called before D1 is written, for a change that takes rights away. Throws 503 if the Subject does not answer; nothing has changed then. */
export function pushFirst(context: RequestContext, person: Person): Promise<void> {
  return askSubject(context, person.subject_ref, (subject) => subject.update(person))
}

/** Called after D1 was written. Returns false if two attempts failed: the next sign-in or change then pushes the record. */
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

/** The platform allows six open connections per request. */
const atOnce = 6

/** Pushes several records, at most six at a time. */
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
