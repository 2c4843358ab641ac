import type { Json, JsonObject } from '#document'
import { compact, field, readList, readName, readObject, readText, required } from '../field.ts'
import type { ResourceDescriptor } from '../resource-descriptor.ts'
import { readTime } from '../time.ts'
import { optionalText, readItems, readNames } from './text.ts'

/** What a source control system enforced when a commit came to a branch, or a tag was made. */
export interface SourceProvenance {
  readonly kind: 'branch' | 'tag'
  readonly repositoryUri: string
  /** `refs/heads/…` or `refs/tags/…` */
  readonly ref: string
  readonly actor: string
  readonly createdOn: string
  readonly previousCommit?: string
  readonly activityType?: string
  readonly controls: readonly SourceControl[]
  /** Of a tag: what was verified about its commit on which refs. */
  readonly summaries: readonly SourceSummary[]
}

/** A control, and since when it has been in force without a break. */
export interface SourceControl {
  readonly name: string
  readonly since: string
}

export interface SourceSummary {
  readonly sourceRefs: readonly string[]
  readonly verifiedLevels: readonly string[]
}

const maxControls = 10_000

/** source-tool's source provenance: the drafts and v1. https://github.com/slsa-framework/source-tool */
export function readSourceProvenance(predicate: JsonObject, where: string): SourceProvenance {
  return compact<SourceProvenance>({
    kind: 'branch',
    ...readCommon(predicate, where),
    ref: required(predicate, 'branch', where, readName),
    previousCommit: optionalText(predicate, 'prev_commit', where),
    activityType: optionalText(predicate, 'activity_type', where),
    summaries: [],
  })
}

/** source-tool's tag provenance. */
export function readTagProvenance(predicate: JsonObject, where: string): SourceProvenance {
  return compact<SourceProvenance>({
    kind: 'tag',
    ...readCommon(predicate, where),
    ref: required(predicate, 'tag', where, readName),
    summaries: readItems(predicate, 'vsa_summaries', where, maxControls, readSummary),
  })
}

function readCommon(predicate: JsonObject, where: string) {
  return {
    repositoryUri: required(predicate, 'repo_uri', where, readName),
    actor: required(predicate, 'actor', where, readText),
    createdOn: required(predicate, 'created_on', where, readTime),
    controls: readItems(predicate, 'controls', where, maxControls, readControl),
  }
}

function readControl(value: Json | undefined, where: string): SourceControl {
  const object = readObject(value, where)
  return {
    name: required(object, 'name', where, readName),
    since: required(object, 'since', where, readTime),
  }
}

function readSummary(value: Json | undefined, where: string): SourceSummary {
  const object = readObject(value, where)
  return {
    sourceRefs: readNames(object, 'source_refs', where, maxControls),
    verifiedLevels: readNames(object, 'verifiedLevels', where, maxControls),
  }
}

/** The refs that a source VSA is about: an annotation of its subject, which drafts write `source_refs`. */
export function sourceRefsOf({ annotations = {} }: ResourceDescriptor): readonly string[] {
  const refs = field(annotations, 'sourceRefs') ?? field(annotations, 'source_refs') ?? []
  return readList(refs, 'subject.annotations.sourceRefs', { max: maxControls }, readName)
}
