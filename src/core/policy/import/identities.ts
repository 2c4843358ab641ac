import type { Path } from '#document'
import { quote } from '#error'
import type { IdentityDraft, Notes, SignerDraft } from './model.ts'
import { proveRegExp, proveWildcard, type Proven } from './patterns.ts'

/** How a foreign policy names who signs with a certificate. */
export interface ForeignIdentity {
  readonly issuer?: string | undefined
  readonly issuerRegExp?: string | undefined
  readonly subject?: string | undefined
  readonly subjectRegExp?: string | undefined
}

export interface IdentityOptions {
  readonly root: string
  readonly hint: string
  /** Whether `subject` may have wildcards. */
  readonly wildcards: boolean
  readonly path: Path
  readonly notes: Notes
}

/** The identity, when it provably means one issuer and one subject or path. */
export function readIdentity(
  identity: ForeignIdentity,
  options: IdentityOptions,
): SignerDraft | undefined {
  const { root, hint, wildcards, path, notes } = options
  const issuer = prove(identity.issuer, identity.issuerRegExp, false)
  const subject = prove(identity.subject, identity.subjectRegExp, wildcards)
  if (issuer === undefined || !('exact' in issuer)) {
    return drop('issuer', identity.issuerRegExp ?? identity.issuer)
  }
  if (subject === undefined) return drop('subject', identity.subjectRegExp ?? identity.subject)
  const draft: IdentityDraft = {
    root,
    issuer: issuer.exact,
    ...('exact' in subject ? { subject: subject.exact } : { subjectPrefix: subject.prefix }),
  }
  return { hint, identity: draft }

  function drop(name: string, found: string | undefined): undefined {
    const what =
      found === undefined || found === '' ? `an identity without ${name}` : quote(found, 200)
    const how =
      name === 'issuer'
        ? 'write the issuer exactly'
        : 'write the subject exactly, or a path that ends with "/" or "@"'
    notes.add(path, 'dropped', `${name} ${what} does not provably mean one text or path; ${how}`)
  }
}

function prove(
  text: string | undefined,
  expression: string | undefined,
  wildcards: boolean,
): Proven | undefined {
  if (expression !== undefined && expression !== '') {
    const proven = proveRegExp(expression)
    return proven === undefined ? undefined : bounded(proven)
  }
  if (text === undefined || text === '') return undefined
  const proven = wildcards ? proveWildcard(text) : { exact: text }
  return proven === undefined ? undefined : bounded(proven)
}

/** What a trust file can hold. */
function bounded(proven: Proven): Proven | undefined {
  const text = 'exact' in proven ? proven.exact : proven.prefix
  return text !== '' && text.length <= 2000 ? proven : undefined
}
