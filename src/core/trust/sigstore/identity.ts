import { quote, type Problem } from '#error'
import type { SubjectName } from './x509/extensions.ts'

/** Who a signing certificate says has signed. */
export interface CertificateIdentity {
  /** The OpenID Connect issuer that vouched for the subject; missing where the certificate names none. */
  readonly issuer?: string
  readonly subject: SubjectName
}

/**
 * Who may have signed: one issuer, and one subject or every subject below a path. Compared character by character, never
 * as a pattern.
 */
export type IdentityMatch =
  | { readonly issuer: string; readonly subject: string }
  | {
      readonly issuer: string
      /** A URI that goes at least one segment beyond the host, and ends in `/` or `@`: no look-alike fits below it. */
      readonly subjectPrefix: string
    }

const prefixForm = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s]+\/[^?#\s]+[/@]$/

/**
 * Refuses a match that could not mean what its author thinks.
 *
 * @throws TypeError the caller's mistake
 */
export function assertIdentityMatch(match: IdentityMatch): void {
  const { issuer } = match
  if ('subject' in match && 'subjectPrefix' in match) {
    throw new TypeError('an identity has a subject or a subjectPrefix, not both')
  }
  const text = 'subject' in match ? match.subject : match.subjectPrefix
  if (typeof issuer !== 'string' || issuer === '' || typeof text !== 'string' || text === '') {
    throw new TypeError('an identity has an issuer and a subject or subjectPrefix')
  }
  if ('subjectPrefix' in match && (!prefixForm.test(text) || hasDetour(text))) {
    throw new TypeError(
      `a subjectPrefix is a URI with a path that ends in "/" or "@", such as "https://git.example/acme/", not ${quote(text)}`,
    )
  }
}

/** Whether the identity is one of those that may have signed. */
export function identityMatches(identity: CertificateIdentity, match: IdentityMatch): boolean {
  if (identity.issuer !== match.issuer) return false
  const { kind, value } = identity.subject
  if ('subject' in match) return value === match.subject
  // Only a URI has a path, and a path that climbs is not below its prefix.
  return kind === 'uri' && value.startsWith(match.subjectPrefix) && !hasDetour(value)
}

/** Why the identity is none of those; undefined when it is one. */
export function identityProblem(
  identity: CertificateIdentity,
  matches: readonly IdentityMatch[],
): Problem | undefined {
  if (matches.some((match) => identityMatches(identity, match))) return undefined
  const { issuer, subject } = identity
  const by = issuer === undefined ? 'no issuer' : quote(issuer)
  return {
    code: 'SIGSTORE_IDENTITY',
    where: 'certificate',
    expected: matches.slice(0, 4).map(describe).join(', or '),
    found: `${quote(subject.value)}, vouched for by ${by}`,
    fix: `Add this identity to the trust file if it may sign for you, or get a bundle that ${matches.length === 1 ? 'the expected identity' : 'an expected identity'} has signed`,
  }
}

function describe(match: IdentityMatch): string {
  const who =
    'subject' in match
      ? quote(match.subject)
      : `a subject that begins with ${quote(match.subjectPrefix)}`
  return `${who}, vouched for by ${quote(match.issuer)}`
}

/** Dot segments, in any spelling, and backslashes, which some readers take for slashes. */
function hasDetour(uri: string): boolean {
  return /\\|%2e|%2f|%5c|\/\.{1,2}(?:[/?#@]|$)/i.test(uri)
}
