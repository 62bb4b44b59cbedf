// Whose turn it is: one piece of work at a time, and the event loop free between two, so that whoever waits for something else is answered.

/** `device`: a browser that signed in to this very name before. */
export type Line = 'stranger' | 'device'

export interface Queue {
  /** Undefined: no room, nothing was queued. */
  enter<T>(line: Line, name: string, work: () => Promise<T>): Promise<T> | undefined
}

/** Who may wait in a line beside the one whose turn it is. */
const room = { stranger: 2, device: 4 }
/** Two, since a double click is no reason to turn anybody away. */
const roomForName = 2

// All shards of an isolate share its thread. So many turns of the event loop lie between two pieces of work, of whichever shards: a request
// that waits for neither is held up by one hash, not by a row of them. Turns, not time: on a busy machine time passes without any.
const turnsBetween = 5
let begun = 0

export async function rest(): Promise<void> {
  let seen = begun
  for (let turns = 0; turns < turnsBetween; ) {
    await scheduler.wait(1)
    turns = begun === seen ? turns + 1 : 0
    seen = begun
  }
  // Said in the same breath: whoever wakes next must see it.
  begun += 1
}

/**
 * Who may wait in one isolate: about a second of work, well below their callers' patience. A device is let in when strangers no
 * longer are.
 */
const roomHere = { stranger: 8, device: 12 }
/** Milliseconds. A shard that died with its line is not counted for ever. */
const longestWait = 10_000
const waitingHere = new Set<Job>()

function isFull(line: Line, now: number): boolean {
  for (const job of waitingHere) if (now - job.since > longestWait) waitingHere.delete(job)
  return waitingHere.size >= roomHere[line]
}

interface Job {
  since: number
  name: string
  run(): Promise<void>
}

export function createQueue(): Queue {
  const lines: Record<Line, Job[]> = { stranger: [], device: [] }
  let isRunning = false
  let last: Line = 'stranger'

  // The lines alternate: neither strangers nor the holder of one account can keep the others out.
  function next(): Job | undefined {
    const preferred: Line = last === 'stranger' ? 'device' : 'stranger'
    const line = lines[preferred].length > 0 ? preferred : last
    last = line
    return lines[line].shift()
  }

  async function run(): Promise<void> {
    isRunning = true
    for (let job = next(); job; job = next()) {
      await rest()
      waitingHere.delete(job)
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
        waitingHere.add(job)
        if (!isRunning) void run()
      })
    },
  }
}
