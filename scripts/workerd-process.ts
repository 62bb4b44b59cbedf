// Finds the workerd process and reads the CPU time of a process. Linux only, because it reads /proc.
import { existsSync, readdirSync, readFileSync } from 'node:fs'

const millisecondsPerTick = 10

// proc(5): the text after the process name in brackets starts with field 3.
const fields = (pid: number): string[] => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []

/** The workerd that this process has started, or undefined if there is none or no /proc. */
export function workerdOf(parent: number): number | undefined {
  const isOurs = (pid: number) => {
    try {
      return Number(fields(pid)[1]) === parent && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('workerd')
    } catch {
      return false
    }
  }
  const processes = existsSync('/proc') ? readdirSync('/proc').map(Number) : []
  return processes.find((pid) => pid > 0 && isOurs(pid))
}

/** User and system time of a process with all its threads, in milliseconds. */
export const cpuTime = (pid: number): number =>
  (Number(fields(pid)[11]) + Number(fields(pid)[12])) * millisecondsPerTick
