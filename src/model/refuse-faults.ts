// Refuses a record or a request that has faults.
import { badRequest } from './problems.ts'

/** `faults`: field path → what is wrong with it. Throws a Problem that names every field; does nothing when there are none. */
export function refuseFaults(faults: Record<string, string>): void {
  if (Object.keys(faults).length > 0) throw badRequest('The request has faults, nothing was changed', faults)
}
