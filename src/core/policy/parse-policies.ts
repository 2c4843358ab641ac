import { parseYaml, sha256Hex, type Json, type JsonObject, type Path } from '#document'
import { SallyportError, type Problem } from '#error'
import { checkDocument } from '#trust'
import { findAmbiguities } from './ambiguity.ts'
import { bindRules } from './bind-rules.ts'
import { checkMetaPolicies } from './meta/check-meta-policies.ts'
import { metaKind, parseMetaPolicy, type MetaPolicy } from './meta/meta-policy.ts'
import { bindExemptions } from './rules/exemptions.ts'
import type { Policy, PolicySet } from './policy.ts'
import { policySchema } from './policy-schema.ts'

/** A file of policies: the name it is known by, and its bytes. */
export interface PolicyFile {
  readonly file: string
  readonly bytes: Uint8Array
}

/**
 * Parses policy files, and reports all problems of all files at once with line and column: unknown rules and fields,
 * empty requirements, two policies that own one target, and policies that break a meta-policy among the files.
 *
 * @throws SallyportError DOCUMENT_… for their form, POLICY_… for what they say
 */
export function parsePolicies(files: readonly PolicyFile[]): PolicySet {
  const problems: Problem[] = []
  const policies: Policy[] = []
  const sound: Policy[] = []
  const metaPolicies: MetaPolicy[] = []
  for (const { file, bytes } of files) {
    const before = problems.length
    attempt(problems, () => {
      const { value, locate } = parseYaml(bytes, { file })
      const document = { file, bytes, value, locate }
      if (kindOf(value) === metaKind) metaPolicies.push(parseMetaPolicy(document))
      else policies.push(...parsePolicy(document, problems))
    })
    // What a broken policy lacks may be what is broken: it is not held against meta-policies until it can be read.
    if (problems.length === before) sound.push(...policies.filter((policy) => policy.file === file))
  }
  problems.push(...findAmbiguities(policies), ...checkMetaPolicies(sound, metaPolicies))
  SallyportError.throwAll(problems)
  return Object.freeze({
    policies: Object.freeze(policies),
    metaPolicies: Object.freeze(metaPolicies),
    files: files.map(({ file, bytes }) => ({ file, digest: sha256Hex(bytes) })),
  })
}

function attempt<T>(problems: Problem[], part: () => T): T | undefined {
  try {
    return part()
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    problems.push(...error.problems)
    return undefined
  }
}

function kindOf(value: Json): Json | undefined {
  return isMapping(value) ? value['kind'] : undefined
}

function isMapping(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

interface Document extends PolicyFile {
  readonly value: Json
  readonly locate: (path: Path) => string
}

function parsePolicy(document: Document, problems: Problem[]): readonly Policy[] {
  const { file, bytes, value, locate } = document
  const shape = attempt(problems, () =>
    checkDocument(policySchema, value, { what: 'the policy', locate }),
  )
  // Rules are read whatever is wrong around them, so that their author sees everything at once.
  const require: unknown = shape?.require ?? (isMapping(value) ? value['require'] : undefined)
  const entries: readonly unknown[] = Array.isArray(require) ? require : []
  const rules = bindRules(entries, locate, problems)
  if (shape === undefined) return []
  if (entries.length === 0) problems.push(empty(locate(['require'])))
  const { artifacts, deployers, mode, auditUntil, breakglass } = shape
  const { version } = shape.metadata
  checkEnd(shape, locate, problems)
  return [
    Object.freeze({
      name: shape.metadata.name,
      owner: shape.metadata.owner,
      ...(version === undefined ? {} : { version }),
      file,
      digest: sha256Hex(bytes),
      targets: shape.targets.map((target, index) => ({
        ...target,
        where: locate(['targets', index]),
      })),
      ...(artifacts === undefined ? {} : { artifacts }),
      rules,
      exemptions: bindExemptions(
        shape.exemptions,
        rules.map(({ place }) => place.id),
        (index) => locate(['exemptions', index]),
        problems,
      ),
      ...(deployers === undefined ? {} : { deployers }),
      mode,
      ...(auditUntil === undefined ? {} : { auditUntil: new Date(auditUntil) }),
      identifiedBy: shape.identifiedBy,
      multiPlatform: shape.multiPlatform,
      whenUnavailable: shape.whenUnavailable,
      ...(breakglass === undefined ? {} : { breakglass }),
      line: (field: string) => locate([field]),
    }),
  ]
}

function checkEnd(
  { mode, auditUntil }: { readonly mode: Policy['mode']; readonly auditUntil?: string | undefined },
  locate: Document['locate'],
  problems: Problem[],
): void {
  if (auditUntil === undefined || mode === 'audit') return
  problems.push(endOfNothing(locate(['auditUntil'])))
}

function endOfNothing(where: string): Problem {
  return {
    code: 'POLICY_AUDIT_END',
    where: `${where} auditUntil`,
    expected: '"auditUntil" together with "mode: audit"',
    found: 'a policy that enforces',
    fix: 'Remove "auditUntil", or write "mode: audit"',
  }
}

function empty(where: string): Problem {
  return {
    code: 'POLICY_RULES_EMPTY',
    where,
    expected: 'at least one rule: a policy that requires nothing would let everything in',
    found: 'an empty list',
    fix: 'Write what must hold, such as `- signed: {by: [release-builder]}`, or remove the policy: without one everything is denied',
  }
}
