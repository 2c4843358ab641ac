import { type Json, type Path } from '#document'
import { SallyportError } from '#error'
import { checkDocument } from '#trust'
import type { Target } from '../request.ts'
import { metaSchema, type MetaPolicyFile } from './meta-schema.ts'

export const metaKind = 'MetaPolicy'

/** What every policy of some targets must contain. It is held against policies, never against deployments. */
export interface MetaPolicy {
  readonly name: string
  readonly owner: string
  readonly file: string
  readonly targets: MetaPolicyFile['targets']
  readonly require: readonly Requirement[]
  readonly forbid: MetaPolicyFile['forbid']
  /** `file:line:column` of something in it. */
  readonly line: (path: Path) => string
}

/** A rule that must be there, and how strict it must be at least. */
export interface Requirement {
  readonly rule: string
  readonly by?: readonly string[]
  readonly wanted: Readonly<Record<string, unknown>>
  /** `file:line:column` of its entry. */
  readonly where: string
}

/**
 * Parses one meta-policy.
 *
 * @throws SallyportError DOCUMENT_… for its form, POLICY_META_EMPTY when it demands nothing
 */
export function parseMetaPolicy(document: {
  readonly file: string
  readonly value: Json
  readonly locate: (path: Path) => string
}): MetaPolicy {
  const { file, value, locate } = document
  const shape = checkDocument<MetaPolicyFile>(metaSchema(), value, {
    what: 'the meta-policy',
    locate,
  })
  const { metadata, targets, forbid } = shape
  const require = shape.require.flatMap((entry, index) =>
    Object.entries(entry).flatMap(([rule, demand]): Requirement[] => {
      if (demand === undefined) return []
      const { by, ...wanted } = demand
      const where = locate(['require', index, rule])
      return [{ rule, ...(by === undefined ? {} : { by }), wanted, where }]
    }),
  )
  if (require.length === 0 && !forbidsAnything(forbid)) throw empty(locate([]))
  return Object.freeze({ ...metadata, file, targets, require, forbid, line: locate })
}

/** Whether a policy that owns this target is held against it. */
export function selects({ targets }: MetaPolicy, target: Target): boolean {
  if (targets === 'all') return true
  return targets.some(
    ({ environment, service }) =>
      (environment === undefined || environment === target.environment) &&
      (service === undefined || service === target.service),
  )
}

function forbidsAnything({ mode, whenUnavailable, rules, exemptions }: MetaPolicyFile['forbid']) {
  return (
    mode !== undefined ||
    whenUnavailable !== undefined ||
    rules.length > 0 ||
    exemptions?.longerThan !== undefined ||
    (exemptions?.of.length ?? 0) > 0
  )
}

function empty(where: string): SallyportError {
  return new SallyportError({
    code: 'POLICY_META_EMPTY',
    where,
    expected:
      'something in "require" or "forbid": a meta-policy that demands nothing protects nothing',
    found: 'neither',
    fix: 'Write what every policy must have, such as `- built: {level: 2}`, or remove the file',
  })
}
