import { type Lint } from '../lint.ts'

export const trustEndless: Lint = {
  code: 'LINT_TRUST_ENDLESS',
  severity: 'note',
  entries: ['KEY-07', 'KEY-11'],
  why: 'A machine that no longer gets new trust files goes on believing keys that have been revoked since, and nothing tells. With "expires" it stops deciding until somebody has looked.',
  find: ({ trust }) => {
    if (trust.expires !== undefined) return []
    return [
      {
        where: `${trust.line('name')} metadata`,
        expected: '"expires": until when the file may be believed without being renewed',
        found: `none in ${trust.file}, which is believed for ever wherever a copy of it stays`,
        fix: `Write "expires" into metadata of ${trust.file}, as far ahead as a revoked key may go unnoticed, and renew it before`,
      },
    ]
  },
}
