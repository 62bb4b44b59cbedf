// Runs one password hash at a time, with turns of the event loop between two, so that other requests in the isolate are answered.

/** `device`: a browser that has signed in to the login name before. `anonymous`: any other. */
export type Line = 'anonymous' | 'device'

export interface Queue {
  /** Returns undefined if there is no room; nothing is queued then. */
  enter<T>(line: Line, name: string, work: () => Promise<T>): Promise<T> | undefined
}

/** How many jobs may wait in each line of a shard. */
const room = { anonymous: 2, device: 4 }
/** How many jobs may wait for one login name: two, so that a double click is not refused. */
const roomForName = 2

// All shards of an isolate share its thread. This many turns of the event loop separate two jobs of any shards, so that an unrelated request is delayed by
// one hash, not by several in a row. Turns are counted instead of time, because on a busy machine time passes without a turn.
const turnsBetween = 5
let jobsStarted = 0

export async function rest(): Promise<void> {
  let seen = jobsStarted
  for (let turns = 0; turns < turnsBetween; ) {
    await scheduler.wait(1)
    turns = jobsStarted === seen ? turns + 1 : 0
    seen = jobsStarted
  }
  // No await may stand between the last check and this line: the next job that wakes must see it.
  jobsStarted += 1
}

/**
 * How many jobs may wait in one isolate: about a second of work, well below the time that callers wait. Devices are still admitted when anonymous
 * browsers no longer are.
 */
const roomInIsolate = { anonymous: 8, device: 12 }
/** Milliseconds after which a job no longer counts, since its shard may have been evicted. */
const longestWait = 10_000
const waitingInIsolate = new Set<Job>()

function isFull(line: Line, now: number): boolean {
  for (const job of waitingInIsolate) if (now - job.since > longestWait) waitingInIsolate.delete(job)
  return waitingInIsolate.size >= roomInIsolate[line]
}

interface Job {
  since: number
  name: string
  run(): Promise<void>
}

export function createQueue(): Queue {
  const lines: Record<Line, Job[]> = { anonymous: [], device: [] }
  let isRunning = false
  let last: Line = 'anonymous'

  // The lines alternate, so that neither anonymous browsers nor the devices of one account can block the other line.
  function next(): Job | undefined {
    const preferred: Line = last === 'anonymous' ? 'device' : 'anonymous'
    const line = lines[preferred].length > 0 ? preferred : last
    last = line
    return lines[line].shift()
  }

  async function run(): Promise<void> {
    isRunning = true
    for (let job = next(); job; job = next()) {
      await rest()
      waitingInIsolate.delete(job)
      await job.run()
    }
    isRunning = false
  }

  return {
    enter(line, name, work) {
      const waiting = lines[line]
      if (waiting.length >= room[line]) return undefined
      if (waiting.filter((job) => job.name === name).length >= roomForName) return undefined
      const since = performance.now()
      if (isFull(line, since)) return undefined
      return new Promise((resolve, reject) => {
        const job = { since, name, run: () => work().then(resolve, reject) }
        waiting.push(job)
        waitingInIsolate.add(job)
        if (!isRunning) void run()
      })
    },
  }
}
