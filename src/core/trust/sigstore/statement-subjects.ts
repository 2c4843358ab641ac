import {
  parseStatement,
  statementTypes,
  type DigestSet,
  type Envelope,
  type ResourceDescriptor,
  type Statement,
} from '#attestation'
import { parseJson, type Json } from '#document'
import { SallyportError } from '#error'

/** What an envelope says it is about. */
export interface StatementSubjects {
  /** Missing when the payload names subjects and is otherwise not a statement that can be understood. */
  readonly statement?: Statement
  readonly subject: readonly Pick<ResourceDescriptor, 'name' | 'digest'>[]
}

/**
 * Reads the subjects of an in-toto statement. Tools have signed statements without a predicate type: they are about
 * their subjects all the same, and whatever they say of them is left out.
 *
 * @throws SallyportError ATTESTATION_…, DOCUMENT_… when there are no subjects to be read
 */
export function readSubjects({ payload }: Envelope): StatementSubjects {
  try {
    const statement = parseStatement(payload)
    return { statement, subject: statement.subject }
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    const subject = subjectsOf(parseJson(payload, { what: 'statement' }))
    if (subject === undefined) throw error
    return { subject }
  }
}

function subjectsOf(value: Json): StatementSubjects['subject'] | undefined {
  const { _type, subject } = fieldsOf(value)
  if (_type !== statementTypes.v1 && _type !== statementTypes.v01) return undefined
  if (!Array.isArray(subject) || subject.length === 0) return undefined
  const found = (subject as readonly Json[]).map((item) => {
    const { name, digest } = fieldsOf(item)
    const digests = Object.entries(fieldsOf(digest)).filter(
      (pair): pair is [string, string] => typeof pair[1] === 'string',
    )
    const set: DigestSet = Object.fromEntries(digests)
    return typeof name === 'string' ? { name, digest: set } : { digest: set }
  })
  return found.every(({ digest }) => Object.keys(digest).length > 0) ? found : undefined
}

function fieldsOf(value: Json | undefined): { readonly [key: string]: Json } {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as { readonly [key: string]: Json }) : {}
}
