// npm run reset: removes all data of the local provider, on every port. .dev.vars stays; its secrets are used again.
import { readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { root } from './dev-vars.ts'
import { Refusal, run } from './operator.ts'
import { defaultPort, isTaken, stateFolder } from './place.ts'

await run(async () => {
  const parent = path.dirname(stateFolder(defaultPort))
  const folders = readEntries(parent).filter((name) => /^state(-\d+)?$/.test(name))
  for (const name of folders) {
    const port = Number(name.split('-')[1] ?? defaultPort)
    if (!(await isTaken(port))) continue
    throw new Refusal(
      `Port ${port} is in use, and its provider keeps its data in ${path.relative(root, path.join(parent, name))}. ` +
        'Stop the provider first (Ctrl-C).',
    )
  }
  for (const name of folders) rmSync(path.join(parent, name), { recursive: true })
  console.log(
    folders.length > 0
      ? `Removed ${folders.map((name) => path.relative(root, path.join(parent, name))).join(', ')}. npm start creates new data.`
      : 'There was nothing to remove.',
  )
})

function readEntries(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
