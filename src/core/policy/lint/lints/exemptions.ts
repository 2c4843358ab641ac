import { quote } from '#error'
import { type Lint } from '../lint.ts'

const soon = 14 * 86_400_000

export const exemptionExpired: Lint = {
  code: 'LINT_EXEMPTION_EXPIRED',
  severity: 'warning',
  entries: ['POL-20'],
  why: 'It counts for nothing any more, and its reason may still be there: either the rule holds and the exemption is noise, or deployments are refused.',
  find: ({ policies, now }) =>
    policies.policies.flatMap(({ exemptions, file }) =>
      exemptions
        .filter(({ expires }) => now >= expires)
        .map(({ rule, owner, expires, where }) => ({
          where,
          expected: 'exemptions that are not over',
          found: `one from ${rule} that ended at ${expires.toISOString()}`,
          fix: `Remove it from ${file}, or have ${quote(owner, 80)} decide again`,
        })),
    ),
}

export const exemptionEnding: Lint = {
  code: 'LINT_EXEMPTION_ENDING',
  severity: 'note',
  entries: ['POL-20'],
  why: 'In a few days the rule counts again, and what does not satisfy it is refused.',
  find: ({ policies, now }) =>
    policies.policies.flatMap(({ exemptions }) =>
      exemptions
        .filter(({ expires }) => now < expires && expires.getTime() - now.getTime() <= soon)
        .map(({ rule, owner, expires, reason, where }) => ({
          where,
          expected: `${rule} to hold before ${expires.toISOString()}`,
          found: `an exemption of ${quote(owner, 80)} until then: ${quote(reason, 200)}`,
          fix: `Ask ${quote(owner, 80)} whether ${rule} will hold by then`,
        })),
    ),
}
