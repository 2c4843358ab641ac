import type { Statement } from '#attestation'
import { checkShape, isSha256, parseYaml, sha256Hex, type Json } from '#document'
import { quote, SallyportError } from '#error'
import { z } from 'zod'

/** What the owners of a rulebook sign about each of its files, and nothing else is signed with their keys. */
export const rulebookFileType = 'https://sallyport.dev/rulebook-file/v1'

/** Which file was meant: a signature over one file is none over another, nor over an older edition. */
export interface RulebookFile {
  /** `Trust`, `DeploymentPolicy`, … as the file itself says. */
  readonly kind: string
  readonly name: string
  readonly version: number
  /** Lower-case hex sha256 of the file's bytes. */
  readonly sha256: string
}

const predicate = z.strictObject({
  kind: z.string().regex(/^[A-Z][A-Za-z]{1,63}$/),
  name: z.string().regex(/^[a-z0-9](?:[a-z0-9._-]{0,126}[a-z0-9])?$/),
  version: z
    .int()
    .min(1)
    .max(2 ** 31),
})

/** Always the same for the same file, so that several people can sign it one after the other. */
export function rulebookStatement({ kind, name, version, sha256 }: RulebookFile): Statement {
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: `${kind}/${name}`, digest: { sha256 } }],
    predicateType: rulebookFileType,
    predicate: { kind, name, version },
  }
}

/**
 * Reads what was signed about a file.
 *
 * @throws SallyportError RULEBOOK_SIGNATURE, DOCUMENT_…
 */
export function readRulebookStatement(statement: Statement, where: string): RulebookFile {
  if (statement.predicateType !== rulebookFileType) {
    throw notMeant(where, quote(statement.predicateType))
  }
  const what = 'the statement about a file'
  const said = checkShape(predicate, statement.predicate as Json, { what })
  const [subject, ...others] = statement.subject
  const sha256 = subject?.digest?.['sha256'] ?? ''
  const isOne = others.length === 0 && subject?.name === `${said.kind}/${said.name}`
  const algorithms = Object.keys(subject?.digest ?? {})
  if (!isOne || !isSha256(sha256) || algorithms.length !== 1) {
    throw notMeant(where, 'a statement whose subject is not exactly this file by its sha256')
  }
  return { ...said, sha256 }
}

const head = z.looseObject({
  kind: z.string().regex(/^[A-Z][A-Za-z]{1,63}$/, 'what kind of file it is'),
  metadata: z.looseObject({
    name: z
      .string()
      .regex(/^[a-z0-9](?:[a-z0-9._-]{0,126}[a-z0-9])?$/, 'a name of lower-case letters'),
    version: z
      .int()
      .min(1)
      .max(2 ** 31)
      .optional(),
  }),
})

/**
 * Reads from a file which one it is; what else is in it is read by whoever uses it.
 *
 * @throws SallyportError DOCUMENT_…, RULEBOOK_VERSION
 */
export function identifyFile(bytes: Uint8Array, file: string): RulebookFile {
  const { value, locate } = parseYaml(bytes, { file })
  const shape = checkShape(head, value, { what: 'a file of a signed rulebook', locate })
  const { name, version } = shape.metadata
  if (version === undefined) throw withoutVersion(`${locate(['metadata'])} metadata.version`)
  return { kind: shape.kind, name, version, sha256: sha256Hex(bytes) }
}

function withoutVersion(where: string): SallyportError {
  return new SallyportError({
    code: 'RULEBOOK_VERSION',
    where,
    expected: 'a version that goes up with each change: older ones are refused',
    found: 'none',
    fix: 'Write `version: 1` into its metadata, and have its owners sign it with `sallyport rulebook sign`',
  })
}

function notMeant(where: string, found: string): SallyportError {
  return new SallyportError({
    code: 'RULEBOOK_SIGNATURE',
    where,
    expected: `a statement of the type ${rulebookFileType} about one file`,
    found,
    fix: 'Sign the file again with `sallyport rulebook sign`',
  })
}
