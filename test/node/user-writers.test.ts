// Users have one writer, src/directory/write-user.ts. A second writer could omit what it does: check the version against concurrent writers, tell
// the Subject before the directory when rights are lost, and record an audit event.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

const root = path.resolve(import.meta.dirname, '../../src')

const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file))
  .map((file) => ({ file: file.replaceAll(path.sep, '/'), text: readFileSync(path.join(root, file), 'utf8') }))

const filesWith = (pattern: RegExp): string[] =>
  sources.filter(({ text }) => pattern.test(text)).map(({ file }) => file)

/** Each function that writes these tables, the file that defines it, and the files that may call it. */
const statements = [
  {
    names: ['insertUser', 'updateUser', 'deleteUser', 'setGroupsOfUser', 'grantGroups', 'withdrawGroups'],
    home: 'storage/users.ts',
    users: ['directory/write-user.ts'],
    reason: 'the one writer',
  },
  {
    names: ['renewMembers'],
    home: 'storage/groups.ts',
    users: ['directory/change-group.ts'],
    reason: 'a group that is renamed or deleted changes all its members in one statement',
  },
  {
    names: ['updatePasswordHash'],
    home: 'storage/password-hashes.ts',
    users: ['authentication/methods/password.ts'],
    reason: 'a hash renewed at sign-in is the same password: neither version nor Subject changes',
  },
]

describe('users and their memberships', () => {
  it.each(statements)('are written only by $users with $names: $reason', ({ names, home, users }) => {
    for (const name of names) expect(filesWith(new RegExp(`\\b${name}\\b`)).sort()).toEqual([...users, home].sort())
  })

  it('are written by no other statement', () => {
    const query = /\.(insert|update|delete)\((users|userGroupMembers)\)/
    const text =
      /\b(insert\s+(or\s+\w+\s+)?into|replace\s+into|update|delete\s+from)\s+["`]?(users|user_group_members)\b/i
    const homes = statements.map(({ home }) => home).sort()
    expect(filesWith(query).sort()).toEqual(homes)
    expect(filesWith(text)).toEqual([])
  })
})
