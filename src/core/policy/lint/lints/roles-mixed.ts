import type { Signer } from '#trust'
import { approvalKind } from '../../kinds/approval.ts'
import { predicateKinds } from '../../kinds/predicate-kinds.ts'
import { provenanceKind } from '../../kinds/provenance.ts'
import { type Lint } from '../lint.ts'

/** Tasks that are there to watch each other. What is inside, and which holes do not matter, is told by whoever builds or scans. */
const tasks = [
  provenanceKind,
  predicateKinds.testResult,
  predicateKinds.scan,
  predicateKinds.review,
  approvalKind,
]

export const rolesMixed: Lint = {
  code: 'LINT_ROLES_MIXED',
  severity: 'note',
  entries: ['KEY-08'],
  why: 'Builds, tests, scans, reviews and approvals check each other only while different keys sign them. One key for several is one thing to steal, or one job to take over, for all of them.',
  find: ({ trust }) =>
    [...trust.signers.values()].flatMap((signer) => {
      const mixed = tasksOf(signer)
      if (mixed.length < 2) return []
      const { where, name } = signer
      return [
        {
          where: `${where} signers.${name}`,
          expected: 'a signer, with keys of its own, for each task',
          found: `${name}, which may sign ${mixed.join(' and ')}`,
          fix: `Make a signer with other keys or identities for each of them in ${trust.file}, and name it in "by" of the rules that ask for it`,
        },
      ]
    }),
}

function tasksOf({ predicateTypes }: Signer): readonly string[] {
  return tasks
    .filter((kind) => [...kind.predicateTypes].some((type) => predicateTypes.has(type)))
    .map(({ name }) => name)
}
