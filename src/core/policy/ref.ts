import { quote } from '#error'
import { z } from 'zod'
import { isAt, refSchema, showLocation, type Location } from './location.ts'

/** Which refs may be built: one, those below a path, the tags of a version, or the tags that were put on a branch. */
export type RefPattern = Location | { readonly version: string } | { readonly tagOn: string }

/** A ref that was built, and, when it is a tag, the branch that it was put on, as far as the builder says. */
export interface BuiltRef {
  readonly ref: string
  readonly tagOn?: string
}

const numbers = /^(v?)(0|[1-9]\d{0,15})(?:\.(0|[1-9]\d{0,15}))?(?:\.(0|[1-9]\d{0,15}))?/
const prerelease = /^(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?$/

/** `refs/heads/main`, `{prefix: refs/tags/}`, `{version: v14}` or `{tagOn: refs/heads/main}`. */
export const refPatternSchema = z.union(
  [
    ...refSchema.options,
    z.strictObject({
      version: z
        .string()
        .max(100)
        .refine(
          (text) => versionOf(text) !== undefined,
          'a version such as v14, v14.2 or v14.2.1, written as the tags are',
        )
        .describe(
          'the tags of this version: v14 means v14.2.1 too; pre-releases only when written out',
        ),
    }),
    z.strictObject({
      tagOn: z
        .string()
        .max(2000)
        .regex(/^refs\/heads\/[^\s*]*[^/\s*]$/, 'a branch such as refs/heads/main')
        .describe(
          'the tags that were put on this branch, as the builder says: claimed, not proven',
        ),
    }),
  ],
  'a ref, {prefix: refs/…/}, {version: v1} or {tagOn: refs/heads/…}',
)

export function isBuiltFrom({ ref, tagOn }: BuiltRef, pattern: RefPattern): boolean {
  if (typeof pattern === 'string' || 'prefix' in pattern) return isAt(ref, pattern)
  const tag = tagOf(ref)
  if (tag === undefined) return false
  return 'tagOn' in pattern ? tagOn === pattern.tagOn : isOfVersion(tag, pattern.version)
}

export function showRef(pattern: RefPattern): string {
  if (typeof pattern === 'string' || 'prefix' in pattern) return showLocation(pattern)
  if ('tagOn' in pattern) return `a tag on ${quote(pattern.tagOn)}`
  return `a tag of version ${quote(pattern.version)}`
}

function tagOf(ref: string): string | undefined {
  return ref.startsWith('refs/tags/') ? ref.slice('refs/tags/'.length) : undefined
}

interface Version {
  readonly letter: string
  /** As many as are written. */
  readonly parts: readonly string[]
  readonly prerelease: string
}

/** Semantic Versioning 2.0.0, where minor and patch may be left out; build metadata says nothing about the version. */
function versionOf(text: string): Version | undefined {
  const [whole = '', letter = '', ...found] = numbers.exec(text) ?? []
  const rest = prerelease.exec(text.slice(whole.length))
  if (whole === '' || rest === null) return undefined
  const parts = found.filter((part) => part !== undefined)
  const [, pre = ''] = rest
  return parts.length < 3 && text.length > whole.length
    ? undefined
    : { letter, parts, prerelease: pre }
}

/** What the tag leaves out is 0; what the policy leaves out may be anything but a pre-release. */
function isOfVersion(tag: string, wanted: string): boolean {
  const [found, asked] = [versionOf(tag), versionOf(wanted)]
  if (found === undefined || asked === undefined) return false
  return (
    found.letter === asked.letter &&
    found.prerelease === asked.prerelease &&
    asked.parts.every((part, index) => part === (found.parts[index] ?? '0'))
  )
}
