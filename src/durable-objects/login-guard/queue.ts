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

/** All shards of an isolate share its thread: after each piece of work it is left to the rest of the isolate for so many milliseconds. */
const pause = 5
let restsUntil = 0

async function breathe(): Promise<void> {
  await scheduler.wait(pause)
  for (let rest = restsUntil - performance.now(); rest > 0 && rest <= pause; rest = restsUntil - performance.now()) {
    await scheduler.wait(rest)
  }
}

interface Job {
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
      await breathe()
      await job.run()
      restsUntil = performance.now() + pause
    }
    isRunning = false
  }

  return {
    enter(line, name, work) {
      const waiting = lines[line]
      if (waiting.length >= room[line]) return undefined
      if (waiting.filter((job) => job.name === name).length >= roomForName) return undefined
      return new Promise((resolve, reject) => {
        waiting.push({ name, run: () => work().then(resolve, reject) })
        if (!isRunning) void run()
      })
    },
  }
}
