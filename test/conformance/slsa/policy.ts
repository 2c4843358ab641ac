// The policy for what is asked.
import type { JsonObject } from '#document'
import { parsePolicies, type PolicySet } from '#policy'
import { npmPackage, type Asked } from './options.ts'
import { Refusal } from './refusal.ts'
import { npmPublish } from './trust.ts'

export function policiesFor(asked: Asked, builders: readonly string[]): PolicySet {
  const require =
    asked.command === 'verify-vsa'
      ? [verifiedAs(asked)]
      : [builtAs(asked, builders), ...published(asked)]
  const policy = {
    apiVersion: 'sallyport.dev/v1',
    kind: 'DeploymentPolicy',
    metadata: { name: 'asked', owner: 'slsa-client' },
    targets: [{ environment: 'conformance', service: 'slsa' }],
    require,
    ...artifactsOf(asked),
    identifiedBy: identifiersOf(asked),
  }
  return parsePolicies([{ file: 'policy.yaml', bytes: Buffer.from(JSON.stringify(policy)) }])
}

/** What a platform calls a thing once and for all. */
function identifiersOf({ vsa }: Asked): readonly string[] {
  const names = vsa.subjects.map((subject) => subject.slice(0, subject.indexOf(':')))
  return [...new Set(names)].filter((name) => !/^sha(?:256|384|512)$/.test(name))
}

/** The summary of a verifier, about the resource and for the levels that are asked for. */
function verifiedAs({ vsa }: Asked): JsonObject {
  const { verifierId, resourceUri, levels } = vsa
  if (verifierId === undefined || resourceUri === undefined) {
    const needed = '--verifier-id and --resource-uri are needed'
    throw new Refusal('ErrorEmptyRequiredField', needed)
  }
  // Whoever asks for no level is content with any.
  const asked = levels.length === 0 ? ['SLSA_BUILD_LEVEL_0'] : levels
  return {
    verified: { by: ['verifier'], verifier: verifierId, resource: resourceUri, levels: asked },
  }
}

function builtAs(asked: Asked, builders: readonly string[]): JsonObject {
  const refs = refsFor(asked)
  const built = {
    by: builders,
    level: 3,
    from: sourceOf(asked),
    ...(refs.length === 0 ? {} : { refs }),
    // slsa-verifier looks at what is asked, and at no other parameter.
    unmentionedUnsafe: true,
    parameters: Object.fromEntries(
      asked.inputs.map(([name, value]) => [`inputs.${name}`, valuesOf(value)]),
    ),
  }
  return { built }
}

/** npm: the registry has to have taken it in, as the package that is asked for. */
function published({ command }: Asked): readonly JsonObject[] {
  if (command !== 'verify-npm-package') return []
  return [{ signed: { by: ['npm-registry'], types: [npmPublish] } }]
}

function artifactsOf({ packageName }: Asked): JsonObject {
  return packageName === undefined ? {} : { artifacts: [npmPackage(packageName)] }
}

/** `github.com/owner/repository`, with or without a scheme. */
function sourceOf({ sourceUri }: Asked): string {
  const [, place] = /^(?:git\+)?(?:https:\/\/)?([^\s@#?*]+)$/.exec(sourceUri) ?? []
  if (place === undefined) throw new Refusal('ErrorInvalidFormat', `the source ${sourceUri}`)
  return `git+https://${place}`
}

function refsFor({ branch, tag, versionedTag }: Asked): readonly (string | JsonObject)[] {
  if (tag !== undefined && versionedTag !== undefined) {
    throw new Refusal('ErrorInvalidFormat', 'a tag and a versioned tag')
  }
  if (tag !== undefined) return [`refs/tags/${tag}`]
  if (versionedTag !== undefined) return [{ version: versionedTag }]
  if (branch === undefined) return []
  return [`refs/heads/${branch}`, { tagOn: `refs/heads/${branch}` }]
}

/** The command line knows text only; what was typed into GitHub may have been stored as something else. */
function valuesOf(value: string): readonly (string | number | boolean)[] {
  if (value === 'true' || value === 'false') return [value, value === 'true']
  return /^-?\d{1,15}$/.test(value) ? [value, Number(value)] : [value]
}
