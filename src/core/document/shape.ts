import type { z } from 'zod'
import { quote, SallyportError, type Problem } from '#error'
import type { Json } from './json.ts'
import type { Path } from './yaml.ts'

export interface ShapeOptions {
  /** What the value is, for messages. */
  readonly what: string
  /** From a path in the value to a place a person can open; default is `what: path`. */
  readonly locate?: (path: Path) => string
}

/**
 * Checks a parsed value against a schema and reports **all** problems at once. Use `z.strictObject` so that
 * unknown fields are refused. The key `__proto__`, over which maps of a schema pass in silence, is refused where they did:
 * what was checked must be all that there is.
 *
 * @throws SallyportError DOCUMENT_SHAPE, DOCUMENT_UNKNOWN_FIELD
 */
export function checkShape<T>(schema: z.ZodType<T>, value: Json, options: ShapeOptions): T {
  const result = schema.safeParse(value, { reportInput: true })
  if (result.success) {
    const path = findDropped(value, result.data)
    if (path === undefined) return result.data
    throw new SallyportError(unknownField(silentKey, path, options))
  }
  const { issues } = result.error
  const problems = issues.slice(0, mostTold).flatMap((issue) => problemsOf(issue, value, options))
  SallyportError.throwAll(atMost(problems, countOf(issues), options))
  throw new TypeError('a schema refused a value without an issue')
}

/** Whoever sends a million fields is not told about each. */
const mostTold = 100

function countOf(issues: readonly Issue[]): number {
  return issues.reduce(
    (sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 1),
    0,
  )
}

function atMost(
  problems: readonly Problem[],
  count: number,
  { what }: ShapeOptions,
): readonly Problem[] {
  if (count <= mostTold) return problems
  const more: Problem = {
    code: 'DOCUMENT_SHAPE',
    where: what,
    expected: `at most ${mostTold} problems`,
    found: `${count}`,
    fix: 'Correct those that are told first',
  }
  return [...problems.slice(0, mostTold), more]
}

const silentKey = '__proto__'

/** Where an object had this key that what became of it has not. */
function findDropped(value: Json, data: unknown): Path | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  // What a schema hands on as it is has lost nothing.
  if (value === data) return undefined
  const made = typeof data === 'object' && data !== null ? data : {}
  if (Object.hasOwn(value, silentKey) && !Object.hasOwn(made, silentKey)) return []
  for (const [name, member] of Object.entries(value)) {
    const rest = findDropped(member, (made as Readonly<Record<string, unknown>>)[name])
    if (rest !== undefined) return [Array.isArray(value) ? Number(name) : name, ...rest]
  }
  return undefined
}

type Issue = z.core.$ZodIssue

function problemsOf(
  issue: Issue,
  value: Json,
  options: ShapeOptions,
  prefix: Path = [],
): Problem[] {
  const path = [
    ...prefix,
    ...issue.path.map((part) => (typeof part === 'number' ? part : String(part))),
  ]
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.slice(0, mostTold).map((key) => unknownField(key, path, options))
  }
  if (issue.code === 'invalid_union') {
    const nearest = nearestBranch(issue.errors)
    if (nearest !== undefined)
      return nearest.flatMap((inner) => problemsOf(inner, value, options, path))
  }
  const found = foundAt(value, path)
  const name = path.length === 0 ? options.what : quote(path.join('.'))
  return [
    {
      code: 'DOCUMENT_SHAPE',
      where: whereOf(path, options),
      expected: expectedOf(issue),
      found,
      fix: found === nothing ? `Write ${name}, which is missing` : `Correct ${name}`,
    },
  ]
}

/** Of the branches of a union, the one that came furthest is the one the author meant. */
function nearestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const depth = (issues: readonly Issue[]): number =>
    Math.max(
      0,
      ...issues.map((issue) => issue.path.length + (issue.code === 'unrecognized_keys' ? 1 : 0)),
    )
  const sorted = [...branches].sort((a, b) => depth(b) - depth(a) || a.length - b.length)
  const [best] = sorted
  return best === undefined || depth(best) === 0 ? undefined : best
}

function unknownField(key: string, path: Path, options: ShapeOptions): Problem {
  return {
    code: 'DOCUMENT_UNKNOWN_FIELD',
    where: whereOf([...path, key], options),
    expected: `only known fields in ${path.length === 0 ? options.what : quote(path.join('.'))}`,
    found: `the field ${quote(key)}`,
    fix: `Remove ${quote(key)}, or correct its spelling`,
  }
}

function whereOf(path: Path, options: ShapeOptions): string {
  const dotted = path.join('.')
  if (options.locate !== undefined)
    return dotted === '' ? options.locate(path) : `${options.locate(path)} ${dotted}`
  return dotted === '' ? options.what : `${options.what}: ${dotted}`
}

function expectedOf(issue: Issue): string {
  if (issue.code === 'invalid_type') return `a value of type ${issue.expected}`
  if (issue.code === 'invalid_value') {
    const values = issue.values.map((value) => quote(value))
    return values.length === 1 ? String(values[0]) : `one of ${values.join(', ')}`
  }
  return issue.message
    .replace(/^Invalid[^:]*: expected /, '')
    .replace(/^Too (small|big): expected /, '')
}

/** What is found where a field is missing; a field that says "nothing" is quoted. */
const nothing = 'nothing'

function foundAt(value: Json, path: Path): string {
  let current: Json | undefined = value
  for (const part of path) {
    if (typeof current !== 'object' || current === null) return nothing
    const holder: { readonly [key: string]: Json } | readonly Json[] = current
    current = Object.hasOwn(holder, part)
      ? (holder as { readonly [key: string]: Json })[String(part)]
      : undefined
  }
  return current === undefined ? nothing : quote(withoutPasswords(current))
}

/** A problem goes to terminals and logs: what stands before the "@" of an address is nobody's there. */
function withoutPasswords(value: Json): Json {
  return typeof value === 'string' ? value.replaceAll(/(\/\/)[^/@\s]*@/g, '$1…@') : value
}
