// Which groups an external provider grants and withdraws.
import { describe, expect, it } from 'vitest'
import { type GroupMappingInput, planGroups } from '../../../src/brokering/provisioning/group-mapping.ts'

const known = [
  { group_id: 'staff', name: 'Staff', tenant_id: null },
  { group_id: 'northern', name: 'Northern', tenant_id: 'north' },
]
const held = (granted_by: string | null, group_id = 'staff') => ({ group_id, name: group_id, granted_by })

const plan = (input: Partial<GroupMappingInput>) =>
  planGroups({
    provider_id: 'acme',
    group_mappings: [{ group_id: 'staff', when: { claim: 'groups', value: 'g-1' } }],
    claims: {},
    tenant_id: null,
    known,
    memberships: [],
    ...input,
  })

describe('a group is granted', () => {
  const when = { claim: 'groups', value: 'g-1' }
  const cases: [string, GroupMappingInput['group_mappings'], Record<string, unknown>, boolean, RegExp][] = [
    ['to every user when there is no condition', [{ group_id: 'staff' }], {}, true, /Every user/],
    [
      'by a claim that equals the value',
      [{ group_id: 'staff', when }],
      { groups: 'g-1' },
      true,
      /groups has the value "g-1"/,
    ],
    [
      'by a list that contains it',
      [{ group_id: 'staff', when }],
      { groups: ['g-0', 'g-1'] },
      true,
      /has the value "g-1"/,
    ],
    [
      'by a number of that text',
      [{ group_id: 'staff', when: { claim: 'level', value: '7' } }],
      { level: 7 },
      true,
      /has the value "7"/,
    ],
    [
      'not by part of a value',
      [{ group_id: 'staff', when }],
      { groups: 'g-1 g-2' },
      false,
      /does not have the value "g-1"/,
    ],
    ['not by another case', [{ group_id: 'staff', when }], { groups: ['G-1'] }, false, /does not have the value/],
    ['not by a list in a list', [{ group_id: 'staff', when }], { groups: [['g-1']] }, false, /does not have the value/],
    ['not without the claim', [{ group_id: 'staff', when }], {}, false, /was not sent/],
    [
      'by one condition of several',
      [
        { group_id: 'staff', when },
        { group_id: 'staff', when: { claim: 'role', value: 'boss' } },
      ],
      { role: 'boss' },
      true,
      /role has the value "boss"/,
    ],
  ]
  it.each(cases)('%s', (_rule, group_mappings, claims, isEligible, reason) => {
    const { granted, changes } = plan({ group_mappings, claims })
    expect(granted.map((group) => group.group_id)).toEqual(isEligible ? ['staff'] : [])
    expect(changes).toMatchObject([{ field: 'group:staff', action: isEligible ? 'granted' : 'unchanged' }])
    expect(changes[0]?.reason).toMatch(reason)
  })
})

describe('a membership', () => {
  const eligible = { groups: ['g-1'] }
  const cases: [string, string | null, Record<string, unknown>, string, RegExp][] = [
    ['of the provider stays while a rule grants it', 'acme', eligible, 'unchanged', /has the value/],
    ['of the provider is withdrawn when no rule applies', 'acme', {}, 'withdrawn', /was not sent/],
    ['of an administrator is never withdrawn', null, {}, 'unchanged', /granted by an administrator/],
    ['of an administrator is never taken over', null, eligible, 'unchanged', /has the value/],
    ['of another provider is not changed', 'other', {}, 'unchanged', /granted by other/],
  ]
  it.each(cases)('%s', (_rule, granted_by, claims, action, reason) => {
    const { granted, withdrawn, changes } = plan({ claims, memberships: [held(granted_by)] })
    expect(changes).toMatchObject([{ action }])
    expect(changes[0]?.reason).toMatch(reason)
    expect(granted).toEqual([])
    expect(withdrawn).toEqual(action === 'withdrawn' ? ['staff'] : [])
  })

  it('is withdrawn when no mapping names the group any more', () => {
    const { withdrawn, changes } = plan({ group_mappings: [], memberships: [held('acme'), held(null, 'northern')] })
    expect(withdrawn).toEqual(['staff'])
    expect(changes).toMatchObject([{ action: 'withdrawn', reason: expect.stringMatching(/No group mapping/) }])
  })

  it('is withdrawn, with the reason, when the provider leaves out a long list', () => {
    const { changes } = plan({ claims: { _claim_names: { groups: 'src1' } }, memberships: [held('acme')] })
    expect(changes).toMatchObject([{ action: 'withdrawn', reason: expect.stringMatching(/send fewer groups/) }])
  })
})

describe('a group that cannot be granted', () => {
  it('is ignored when it does not exist', () => {
    const { granted, changes } = plan({ group_mappings: [{ group_id: 'ghosts' }] })
    expect(granted).toEqual([])
    expect(changes).toEqual([{ field: 'group:ghosts', action: 'ignored', reason: 'The group does not exist.' }])
  })

  it('is ignored when it belongs to another tenant than the user', () => {
    const group_mappings = [{ group_id: 'northern' }]
    expect(plan({ group_mappings, tenant_id: 'north' }).granted).toHaveLength(1)
    for (const tenant_id of ['south', null]) {
      const { granted, changes } = plan({ group_mappings, tenant_id })
      expect(granted).toEqual([])
      expect(changes).toMatchObject([
        { action: 'ignored', reason: expect.stringMatching(/belongs to the tenant north/) },
      ])
    }
  })

  it('is withdrawn from a user who moved to another tenant', () => {
    const memberships = [held('acme', 'northern')]
    const { withdrawn } = plan({ group_mappings: [{ group_id: 'northern' }], tenant_id: 'south', memberships })
    expect(withdrawn).toEqual(['northern'])
  })
})
