import type { Json, JsonObject } from '#document'
import {
  compact,
  onlyFields,
  optional,
  readName,
  readText,
  refuse,
  required,
  wrongField,
} from '../field.ts'
import { predicateTypes } from '../predicate-types.ts'
import type { ResourceDescriptor } from '../resource-descriptor.ts'
import { encodeStatement, statementTypes, type Statement } from '../statement.ts'
import { readTime } from '../time.ts'

/** Somebody read a change, and says whether it may go in. The subjects are the commit or the tree that was read. */
export interface Review {
  /** The repository as provenance names it: `git+https://host/path`. */
  readonly repository: string
  /** Where the change was to go: `refs/heads/main`. */
  readonly ref: string
  /** The commit up to which everything had been reviewed before. Missing: all of the tree was read. */
  readonly from?: string
  /** The tree that was read, by its Git object name: a review holds for content, not for a commit alone. */
  readonly tree: string
  /** Who read, in the words of the signer; who signed is what counts. */
  readonly reviewer: string
  readonly verdict: 'approved' | 'rejected'
  readonly reviewedOn: string
}

const fields = new Set(['repository', 'ref', 'from', 'tree', 'reviewer', 'verdict', 'reviewedOn'])

/**
 * Makes a Statement with the review predicate.
 *
 * @throws SallyportError when it is not one that `readReview` accepts
 */
export function reviewStatement(subject: readonly ResourceDescriptor[], review: Review): Statement {
  const { repository, ref, from, tree, reviewer, verdict, reviewedOn } = review
  const statement: Statement = {
    _type: statementTypes.v1,
    subject,
    predicateType: predicateTypes.review,
    predicate: compact<JsonObject>({ repository, ref, from, tree, reviewer, verdict, reviewedOn }),
  }
  readReview(statement)
  encodeStatement(statement)
  return statement
}

/**
 * Reads a review. The format is ours, so unknown fields are refused.
 *
 * @throws SallyportError ATTESTATION_… with the path of the field
 */
export function readReview({ subject, predicate }: Statement): Review {
  const where = 'statement.predicate'
  onlyFields(predicate, fields, where)
  subject.forEach((descriptor, index) => checkSubject(descriptor, `statement.subject[${index}]`))
  const review = compact<Review>({
    repository: required(predicate, 'repository', where, readName),
    ref: required(predicate, 'ref', where, readRef),
    from: optional(predicate, 'from', where, readObjectName),
    tree: required(predicate, 'tree', where, readObjectName),
    reviewer: required(predicate, 'reviewer', where, readName),
    verdict: required(predicate, 'verdict', where, readVerdict),
    reviewedOn: required(predicate, 'reviewedOn', where, readTime),
  })
  const other = subject.find(({ digest }) => (digest?.['gitTree'] ?? review.tree) !== review.tree)
  if (other === undefined) return review
  throw wrongField(`${where}.tree`, 'the tree that the subject names', review.tree)
}

/** A review of a file or an image says nothing that a commit could be held against. */
function checkSubject({ digest = {} }: ResourceDescriptor, where: string): void {
  if (digest['gitCommit'] !== undefined || digest['gitTree'] !== undefined) return
  throw refuse(
    'ATTESTATION_DIGEST',
    where,
    'a digest gitCommit or gitTree',
    Object.keys(digest).join(', ') || 'none',
    'Review a commit or a tree: sign a statement whose subject is its Git object name',
  )
}

function readRef(value: Json | undefined, where: string): string {
  const ref = readText(value, where)
  if (/^refs\/[^\s]+$/.test(ref)) return ref
  throw wrongField(where, 'a full ref such as "refs/heads/main"', value)
}

function readObjectName(value: Json | undefined, where: string): string {
  const name = readText(value, where)
  if (/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(name)) return name
  throw wrongField(where, 'a Git object name of 40 or 64 lower-case hexadecimal characters', value)
}

function readVerdict(value: Json | undefined, where: string): Review['verdict'] {
  if (value === 'approved' || value === 'rejected') return value
  throw wrongField(where, '"approved" or "rejected"', value)
}
