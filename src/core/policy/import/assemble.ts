import { isProvenanceType } from '#attestation'
import { canonicalJson, type JsonObject } from '#document'
import type { ImportNote, PolicyDraft, RuleDraft, SignerDraft } from './model.ts'
import { yamlText } from './yaml-text.ts'

export interface ImportOptions {
  /** The environment that the policies are about. */
  readonly environment: string
  /** The service; without it each policy is about a service of its own name. */
  readonly service?: string
  /** Who answers for policies and trust file. */
  readonly owner: string
}

/** A file that was made. */
export interface ImportedFile {
  readonly file: string
  readonly text: string
}

export interface Assembled {
  readonly policies: readonly ImportedFile[]
  /** A trust file with every signer that a policy names; missing when there is none. */
  readonly trust?: ImportedFile
  readonly notes: readonly ImportNote[]
}

/** A key is believed from here on until its owner says since when it is theirs. */
const validFrom = '2000-01-01T00:00:00Z'
const limits = { rules: 64, by: 64, text: 200 }

/** Writes policies and a trust file from what was read. Signers are the same when their key or identity is. */
export function assemble(drafts: readonly PolicyDraft[], options: ImportOptions): Assembled {
  const notes: ImportNote[] = []
  const signers = new SignerNames()
  const taken = new Set<string>()
  const isOneService = options.service !== undefined
  const policies = drafts.flatMap((draft): ImportedFile[] => {
    const note = (effect: ImportNote['effect'], text: string): void => {
      notes.push({ where: draft.where, effect, text })
    }
    const why = whyNot(draft) ?? (isOneService && taken.size > 0 ? whySecond : undefined)
    if (why !== undefined) {
      note('dropped', `${draft.title}: ${why}`)
      return []
    }
    const name = unique(slug(draft.name, 100), taken)
    const service = options.service ?? name
    note(
      'same',
      `${draft.title} became policy ${name}, about ${options.environment}/${service}: is it so?`,
    )
    const document = policyDocument(draft, name, { ...options, service }, signers)
    return [{ file: `policies/${name}.yaml`, text: head(draft) + yamlText(document) }]
  })
  if (signers.size === 0) return { policies, notes }
  const trust = { file: 'trust.yaml', text: yamlText(signers.document(options.owner)) }
  return { policies, trust, notes: [...notes, ...signers.notes()] }
}

const whySecond =
  'another policy decides about this service already; import it without --service, then put the rules into one policy'

function whyNot({ rules }: PolicyDraft): string | undefined {
  if (rules.length === 0) {
    return 'nothing that it asks could be converted, so there is no policy: without one nothing is let in'
  }
  if (rules.length > limits.rules) return `it asks for more than ${limits.rules} things`
  return rules.some(({ signers }) => distinct(signers).length > limits.by)
    ? `it names more than ${limits.by} signers for one thing`
    : undefined
}

function head({ title }: PolicyDraft): string {
  // A title quotes what somebody wrote; a comment ends with its line.
  return `# Imported from ${title.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 300)}\n`
}

function policyDocument(
  { artifacts, mode, rules }: PolicyDraft,
  name: string,
  { environment, service = name, owner }: ImportOptions,
  signers: SignerNames,
): JsonObject {
  return {
    apiVersion: 'sallyport.dev/v1',
    kind: 'DeploymentPolicy',
    metadata: { name, owner },
    targets: [{ environment, service }],
    ...(artifacts === undefined
      ? {}
      : { artifacts: artifacts.map((one) => (typeof one === 'string' ? one : { ...one })) }),
    require: rules.map((rule) => ruleDocument(rule, signers)),
    mode,
  }
}

function ruleDocument(rule: RuleDraft, names: SignerNames): JsonObject {
  const by = [...new Set(rule.signers.map((signer) => names.take(signer, rule.types)))]
  const count = rule.count === undefined || rule.count === 1 ? {} : { count: rule.count }
  return rule.rule === 'sbom'
    ? { sbom: { by } }
    : { signed: { by, types: [...rule.types], ...count } }
}

function distinct(signers: readonly SignerDraft[]): readonly string[] {
  return [...new Set(signers.map(identityOf))]
}

function identityOf({ key, identity }: SignerDraft): string {
  return canonicalJson({ ...key, ...identity })
}

interface NamedSigner {
  readonly name: string
  readonly draft: SignerDraft
  readonly types: Set<string>
}

/** Signers by what they sign with: whoever has two names elsewhere has one here. */
class SignerNames {
  readonly #byIdentity = new Map<string, NamedSigner>()
  readonly #taken = new Set<string>()
  readonly #roots = new Map<string, string>()
  readonly #rootNames = new Set<string>()

  get size(): number {
    return this.#byIdentity.size
  }

  take(draft: SignerDraft, types: readonly string[]): string {
    const key = identityOf(draft)
    const signer = this.#byIdentity.get(key) ?? {
      name: unique(slug(draft.hint, 50), this.#taken),
      draft,
      types: new Set<string>(),
    }
    this.#byIdentity.set(key, signer)
    for (const type of types) signer.types.add(type)
    return signer.name
  }

  document(owner: string): JsonObject {
    const signers = [...this.#byIdentity.values()].map(({ name, draft, types }) => [
      name,
      { ...this.#material(draft), predicateTypes: [...types], ...buildersOf(draft, types) },
    ])
    const roots = [...this.#roots.values()].map((name) => [
      name,
      { trustedRoot: `trusted-roots/${name}.json` },
    ])
    return {
      apiVersion: 'sallyport.dev/v1',
      kind: 'Trust',
      metadata: { name: 'imported', owner },
      ...(roots.length === 0 ? {} : { sigstore: Object.fromEntries(roots) as JsonObject }),
      signers: Object.fromEntries(signers) as JsonObject,
    }
  }

  notes(): readonly ImportNote[] {
    const roots = [...this.#roots.values()].map((name): ImportNote => {
      const text = `put the trusted root of this Sigstore instance at trusted-roots/${name}.json beside the trust file`
      return { where: `trust.yaml sigstore.${name}`, effect: 'same', text }
    })
    const hasKeys = [...this.#byIdentity.values()].some(({ draft }) => draft.key !== undefined)
    const text = `keys are believed from ${validFrom} on: write since when they are their owners'`
    const keys: ImportNote = { where: 'trust.yaml signers', effect: 'same', text }
    const builders = [...this.#byIdentity.values()].flatMap(({ name, types }): ImportNote[] => {
      if (![...types].some(isProvenanceType)) return []
      const told =
        'provenance counts with the builder ids under `builders` only: write those that it may name'
      return [{ where: `trust.yaml signers.${name}`, effect: 'stricter', text: told }]
    })
    return [...roots, ...(hasKeys ? [keys] : []), ...builders]
  }

  #material({ key, identity }: SignerDraft): JsonObject {
    if (identity === undefined) return { keys: [{ ...key, validFrom }] }
    const root = this.#roots.get(identity.root) ?? unique(slug(identity.root, 40), this.#rootNames)
    this.#roots.set(identity.root, root)
    return { identities: [{ ...identity, root }] }
  }
}

/** Whom a builder's signer may speak for is asked here, and nowhere else: a workflow speaks for itself. */
function buildersOf({ identity }: SignerDraft, types: ReadonlySet<string>): JsonObject {
  if (![...types].some(isProvenanceType)) return {}
  const { subject = '', subjectPrefix } = identity ?? {}
  if (subjectPrefix !== undefined && !/[%\\*]/.test(subjectPrefix)) {
    return { builders: [{ idPrefix: subjectPrefix, level: 1 }] }
  }
  const isWorkflow = /^https:\/\/[^\s*]+$/.test(subject)
  return { builders: [{ id: isWorkflow ? subject : 'https://builder.invalid/unknown', level: 1 }] }
}

/** Lower-case letters, digits, `.`, `_` and `-`, with a letter or digit at both ends. */
function slug(text: string, max: number): string {
  const plain = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .slice(0, max)
    .replaceAll(/^[._-]+|[._-]+$/g, '')
  return plain === '' ? 'unnamed' : plain
}

function unique(name: string, taken: Set<string>): string {
  let free = name
  for (let number = 2; taken.has(free); number += 1) free = `${name}-${number}`
  taken.add(free)
  return free
}
