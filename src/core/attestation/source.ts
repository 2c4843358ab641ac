import { isObject, type Json, type JsonObject } from '#document'
import { readDigestSet, type DigestSet } from './digest-set.ts'
import { compact, field } from './field.ts'
import type { ProvenanceSource } from './provenance-types.ts'
import type { ResourceDescriptor } from './resource-descriptor.ts'

/** A repository as external parameters name it. */
interface Named {
  readonly uri: string
  readonly ref: string | undefined
  readonly digest: DigestSet
}

/**
 * Finds the main source of a build: the dependency that the external parameters name, or else the only Git
 * repository among the dependencies. When the provenance leaves a choice there is no source: guessing would
 * let a second repository pass for the first.
 */
export function sourceOf(
  externalParameters: JsonObject,
  dependencies: readonly ResourceDescriptor[],
): ProvenanceSource | undefined {
  const named = namedSource(externalParameters)
  const repositories = dependencies.filter(isRepository).map(asSource)
  if (named === undefined) return only(repositories)
  const matching = repositories.filter((source) => matches(source, named))
  if (matching.length > 0) {
    const source = only(matching)
    const ref = source?.ref ?? named.ref
    return source === undefined || ref === undefined ? source : { ...source, ref }
  }
  return compact<ProvenanceSource>({ uri: named.uri, digest: named.digest, ref: named.ref })
}

/**
 * Splits `git+https://host/path@ref` (SPDX download location) into repository and ref. An `@` in the authority
 * or at the start of a path segment belongs to the repository; a commit after the `@` is no ref.
 */
export function splitRevision(uri: string): { readonly uri: string; readonly ref?: string } {
  const path = uri.indexOf('/', uri.indexOf('://') + 3)
  if (path === -1) return { uri }
  const named = uri.indexOf('@refs/', path)
  const at = named === -1 ? uri.lastIndexOf('@') : named
  if (at < path || uri[at - 1] === '/') return { uri }
  const ref = uri.slice(at + 1)
  const isCommit = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(ref)
  return isCommit || ref === '' ? { uri: uri.slice(0, at) } : { uri: uri.slice(0, at), ref }
}

/** The places where the build types in use name their source. */
function namedSource(parameters: JsonObject): Named | undefined {
  return (
    fromUri(field(parameters, 'source')) ??
    fromRepository(field(parameters, 'workflow')) ??
    fromRepository(field(parameters, 'buildConfigSource'))
  )
}

/** `source: {uri, ref?, digest?}`, or the URI alone. */
function fromUri(value: Json | undefined): Named | undefined {
  const object: JsonObject = isObject(value) ? value : { uri: value ?? null }
  const uri = field(object, 'uri')
  if (typeof uri !== 'string' || uri === '') return undefined
  const split = splitRevision(uri)
  const ref = field(object, 'ref')
  const digest = field(object, 'digest')
  return {
    uri: split.uri,
    ref: typeof ref === 'string' && ref !== '' ? ref : split.ref,
    digest: digest === undefined ? {} : readDigestSet(digest, 'externalParameters.source.digest'),
  }
}

/** `workflow: {repository, ref}` of GitHub and Google Cloud Build: a web address of a Git repository. */
function fromRepository(value: Json | undefined): Named | undefined {
  if (!isObject(value)) return undefined
  const repository = field(value, 'repository')
  const ref = field(value, 'ref')
  if (typeof repository !== 'string' || repository === '') return undefined
  const uri = repository.startsWith('git+') ? repository : `git+${repository}`
  return { uri, ref: typeof ref === 'string' && ref !== '' ? ref : undefined, digest: {} }
}

function isRepository({ uri, digest }: ResourceDescriptor): boolean {
  return uri !== undefined && (uri.startsWith('git+') || digest?.['gitCommit'] !== undefined)
}

function asSource({ uri = '', digest = {}, annotations }: ResourceDescriptor): ProvenanceSource {
  const split = splitRevision(uri)
  return compact<ProvenanceSource>({ uri: split.uri, digest, ref: split.ref, annotations })
}

function matches(source: ProvenanceSource, named: Named): boolean {
  if (source.uri !== named.uri) return false
  return source.ref === undefined || named.ref === undefined || source.ref === named.ref
}

/** The one source that all agree on, or none. */
function only(sources: readonly ProvenanceSource[]): ProvenanceSource | undefined {
  const [first, ...rest] = sources
  if (first === undefined) return undefined
  return rest.every((other) => isSame(first, other)) ? first : undefined
}

function isSame(one: ProvenanceSource, other: ProvenanceSource): boolean {
  const digests = (source: ProvenanceSource): string =>
    JSON.stringify(Object.entries(source.digest).sort(([a], [b]) => (a < b ? -1 : 1)))
  return one.uri === other.uri && one.ref === other.ref && digests(one) === digests(other)
}
