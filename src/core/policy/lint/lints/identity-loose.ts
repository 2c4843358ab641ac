import { quote } from '#error'
import type { TrustedIdentity } from '#trust'
import { type Lint } from '../lint.ts'

/** Pins that say which repository or workflow it is, whatever the subject leaves open. */
const narrowing = new Set([
  'buildSignerURI',
  'buildConfigURI',
  'sourceRepositoryURI',
  'sourceRepositoryIdentifier',
])

export const identityLoose: Lint = {
  code: 'LINT_IDENTITY_LOOSE',
  severity: 'warning',
  entries: ['LNT-12'],
  why: 'Everybody who can create a workflow below this path signs in the name of the signer: in any repository of the organisation, or with any workflow file of the repository, on any branch.',
  find: ({ trust }) =>
    [...trust.signers.values()].flatMap(({ identities, name }) =>
      identities.flatMap((identity) => {
        const prefix = loosePrefix(identity)
        if (prefix === undefined) return []
        return [
          {
            where: `${identity.where} signers.${name}`,
            expected:
              'one workflow of one repository: an exact "subject", or a "subjectPrefix" that ends with "@"',
            found: `everything below ${quote(prefix)}`,
            fix: `Write the workflow out, such as \`subjectPrefix: ${prefix.replace(/\/$/, '')}/…/release.yml@\`, or pin "sourceRepositoryURI" under "certificate"`,
          },
        ]
      }),
    ),
}

function loosePrefix({ match, pins }: TrustedIdentity): string | undefined {
  if (!('subjectPrefix' in match)) return undefined
  const { subjectPrefix } = match
  const pinned = pins.some(({ name, wanted }) => narrowing.has(name) && typeof wanted === 'string')
  return pinned || isOne(subjectPrefix) ? undefined : subjectPrefix
}

/** Whether a prefix leaves nothing open but the ref. */
function isOne(prefix: string): boolean {
  // Behind the "@" stands the ref: the workflow before it is one. SPIFFE has no workflows, but paths of its own.
  const names = prefix.split('/').length - 4
  return prefix.includes('@') || (prefix.startsWith('spiffe:') && names > 1)
}
