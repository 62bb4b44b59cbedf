// Calls the Subject of one user.
import { hop, type RequestContext } from '../../request/context.ts'
import { type Remote, stub } from '../../request/remote-object.ts'
import type { Subject } from './subject.ts'

/** One hop. `subjectRef` is the address in the user's row. */
export function askSubject<T>(
  context: RequestContext,
  subjectRef: string,
  call: (subject: Remote<Subject>) => Promise<T>,
): Promise<T> {
  return hop(context, 'Subject', () => call(stub(context.env.SUBJECT, subjectRef)))
}
