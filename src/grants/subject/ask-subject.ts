// Asks the object of one person.
import { hop, type RequestContext } from '../../request/context.ts'
import { type Remote, stub } from '../../request/remote-object.ts'
import type { Subject } from './subject.ts'

/** What the Subject of one person is asked: one hop. `subjectRef` is the address in the user's row. */
export function askSubject<T>(
  context: RequestContext,
  subjectRef: string,
  question: (subject: Remote<Subject>) => Promise<T>,
): Promise<T> {
  return hop(context, 'Subject', () => question(stub(context.env.SUBJECT, subjectRef)))
}
