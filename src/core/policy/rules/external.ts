import type { Provenance, ProvenanceSource } from '#attestation'
import { isObject, type Json } from '#document'

/** One thing that the requester of a build could choose. */
export interface ExternalParameter {
  readonly name: string
  readonly value: Json
}

/** What the requester of a build could choose, sorted by what a rule compares it with. */
export interface External {
  /** Path of the build instructions in the source. */
  readonly recipe?: string
  /** Everything else: each must be allowed by name. */
  readonly parameters: readonly ExternalParameter[]
}

/** How one build type writes what its requesters can choose. */
export interface BuildType {
  /** Whether a buildType is of this kind; for those of one version, whether it is that very URI. */
  readonly isOf: (uri: string) => boolean
  /** The recipe that is built when a rule names none. */
  readonly defaultRecipe?: string
  readonly read: (provenance: Provenance) => External
  /** The source, where the build type writes it in a way of its own. */
  readonly source?: (provenance: Provenance) => ProvenanceSource | undefined
  /** Whether a dependency describes the machine that it ran on, which nobody fetched and which has no digest. */
  readonly isMachine?: (uri: string) => boolean
  /** The branch that the tag was put on which was built, as the builder says. */
  readonly tagOn?: (provenance: Provenance) => string | undefined
}

/** Fields of an object that nothing else compares, as `path.field`. */
export function others(
  value: Json | undefined,
  compared: ReadonlySet<string>,
  path: string,
): ExternalParameter[] {
  if (!isObject(value)) return isUnset(value) ? [] : [{ name: path, value: value ?? null }]
  const rest = Object.entries(value).filter(([key]) => !compared.has(key))
  return rest
    .filter(([, item]) => !isUnset(item))
    .map(([key, item]) => ({ name: `${path}.${key}`, value: item }))
}

/** The members of an object by their own names; anything but an object by the name it stands under. */
export function named(value: Json | undefined, path: string): ExternalParameter[] {
  if (!isObject(value)) return isUnset(value) ? [] : [{ name: path, value: value ?? null }]
  return Object.entries(value)
    .filter(([, item]) => !isUnset(item))
    .map(([name, item]) => ({ name, value: item }))
}

/** SLSA (V10): null, empty and unset are the same. */
export function isUnset(value: Json | undefined): boolean {
  if (value === undefined || value === null || value === '') return true
  return typeof value === 'object' && Object.keys(value).length === 0
}

/** A member of something that may be no object. */
export function member(value: Json | undefined, key: string): Json | undefined {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

/** A text, or nothing when it is empty or something else. */
export function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
