import { isProvenanceType } from '#attestation'
import { quote } from '#error'
import type { Signer, TrustedIdentity } from '#trust'
import { type Lint } from '../lint.ts'

/** Issuers whose subjects are people who have signed in. */
const issuersOfPeople = [
  'https://accounts.google.com',
  'https://github.com/login/oauth',
  'https://login.microsoftonline.com',
  'https://oauth2.sigstore.dev/auth',
]

export const personBuilds: Lint = {
  code: 'LINT_PERSON_BUILDS',
  severity: 'warning',
  entries: ['LNT-14', 'LNT-16'],
  why: 'Provenance by a person says what that person says: built where, from what, by which commands. It is a release from a workstation with more words.',
  find: ({ trust }) =>
    [...trust.signers.values()].filter(isAboutBuilds).flatMap(({ identities, name }) =>
      identities.filter(isPerson).map(({ match, where }) => ({
        where: `${where} signers.${name}`,
        expected: 'the identity of a build service, where a signer may make provenance',
        found: `a person: ${quote('subject' in match ? match.subject : match.subjectPrefix)} of ${quote(match.issuer)}`,
        fix: `Give ${name} the identity of the workflow that builds, or take provenance from its "predicateTypes"`,
      })),
    ),
}

function isAboutBuilds({ predicateTypes }: Signer): boolean {
  return [...predicateTypes].some(isProvenanceType)
}

function isPerson({ match }: TrustedIdentity): boolean {
  const known = issuersOfPeople.some(
    (issuer) => match.issuer === issuer || match.issuer.startsWith(`${issuer}/`),
  )
  return known || ('subject' in match && /^[^/:\s]+@[^/:\s]+$/.test(match.subject))
}
