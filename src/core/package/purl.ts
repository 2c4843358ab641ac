import { quote } from '#error'
import { decodePart, encodePart, encodePath, isPlainText } from './purl-encoding.ts'
import { notPurl } from './purl-problem.ts'
import { normalised } from './purl-types.ts'

/**
 * A package URL in the form its type prescribes: what its type does not distinguish has been made equal
 * (case, `_` and `-`), so two of them are the same when their texts are.
 */
export interface Purl {
  readonly type: string
  /** Segments joined by `/`; none is empty, `.` or `..`. */
  readonly namespace?: string
  readonly name: string
  readonly version?: string
  /** Sorted by key. */
  readonly qualifiers?: Readonly<Record<string, string>>
  readonly subpath?: string
}

const maxLength = 8192
const typeForm = /^[a-z][a-z0-9.+-]*$/
const keyForm = /^[a-z][a-z0-9._-]*$/
const dotSegment = /(?:^|\/)\.{0,2}(?:\/|$)/

/**
 * Parses a package URL strictly: no key twice, no `..`, no bare white space, no empty version, and what the type
 * requires is there and what it prohibits is not.
 * https://github.com/package-url/purl-spec
 *
 * @throws SallyportError PACKAGE_URL
 */
export function parsePurl(text: string): Purl {
  return parse(text, (key) => key)
}

/**
 * The canonical text of a package URL; also reads those whose qualifier keys are in upper case.
 *
 * @throws SallyportError PACKAGE_URL
 */
export function canonicalPurl(text: string): string {
  return write(parse(text, (key) => key.toLowerCase()))
}

/**
 * Writes a package URL in canonical form.
 *
 * @throws SallyportError PACKAGE_URL when a part is not what its type allows
 */
export function formatPurl(parts: Purl): string {
  const text = `pkg:${parts.type}/${parts.name}`
  const { namespace, name, version, subpath, qualifiers = {} } = parts
  const odd = [namespace, name, version, subpath, ...Object.values(qualifiers)].find(
    (part) => part !== undefined && !isPlainText(part),
  )
  if (odd !== undefined) throw notPurl(text, 'parts that are text', quote(odd))
  return write(checked(parts, text))
}

/** Whether two package URLs name the same thing. */
export function isSamePurl(one: Purl, other: Purl): boolean {
  return formatPurl(one) === formatPurl(other)
}

/** Whether two package URLs name the same package, in whatever version. */
export function isSamePackage(one: Purl, other: Purl): boolean {
  return one.type === other.type && one.namespace === other.namespace && one.name === other.name
}

/**
 * Whether a package URL is one of those that another, less exact one speaks of: the same package, and every
 * version, qualifier and subpath that the pattern states. What it does not state may be anything.
 */
export function purlMatches(pattern: Purl, purl: Purl): boolean {
  if (!isSamePackage(pattern, purl)) return false
  if (pattern.version !== undefined && pattern.version !== purl.version) return false
  if (pattern.subpath !== undefined && pattern.subpath !== purl.subpath) return false
  return Object.entries(pattern.qualifiers ?? {}).every(
    ([key, value]) => purl.qualifiers?.[key] === value,
  )
}

function write({ type, namespace, name, version, qualifiers, subpath }: Purl): string {
  // The repository of a `git` package is a path: its slashes stay.
  const path = type === 'git' ? encodePath(name) : encodePart(name)
  const scope = namespace === undefined ? '' : `${encodePath(namespace)}/`
  const at = version === undefined ? '' : `@${encodePart(version)}`
  const pairs = Object.entries(qualifiers ?? {}).map(
    ([key, value]) => `${key}=${encodePart(value)}`,
  )
  const query = pairs.length === 0 ? '' : `?${pairs.join('&')}`
  const within = subpath === undefined ? '' : `#${encodePath(subpath)}`
  return `pkg:${type}/${scope}${path}${at}${query}${within}`
}

function parse(text: string, keyOf: (key: string) => string): Purl {
  if (text.length > maxLength) {
    throw notPurl(text, `at most ${maxLength} characters`, `${text.length} characters`)
  }
  const scheme = /^pkg:\/*/i.exec(text)
  if (scheme === null) throw notPurl(text, 'a text that begins with pkg:', quote(text, 40))
  const [beforeSubpath, subpath] = cutLast(text.slice(scheme[0].length), '#')
  const [beforeQualifiers, qualifiers] = cutLast(beforeSubpath, '?')
  const slash = beforeQualifiers.indexOf('/')
  if (slash === -1) throw notPurl(text, 'a type, a slash and a name', quote(beforeQualifiers, 80))
  const type = beforeQualifiers.slice(0, slash).toLowerCase()
  return checked(
    {
      ...parsePath(type, beforeQualifiers.slice(slash + 1), text),
      ...(qualifiers === undefined ? {} : { qualifiers: parseQualifiers(qualifiers, keyOf, text) }),
      ...(subpath === undefined ? {} : { subpath: parseSubpath(subpath, text) }),
    },
    text,
  )
}

function parsePath(type: string, path: string, text: string): Purl {
  const at = versionAt(type, path)
  const names = at === -1 ? path : path.slice(0, at)
  const slash = type === 'git' ? nameOfGit(names) : names.lastIndexOf('/')
  const name = decodePart(names.slice(slash + 1), 'a name', text)
  const namespace = names
    .slice(0, Math.max(slash, 0))
    .split('/')
    .filter((segment) => segment !== '')
    .map((segment) => decodeSegment(segment, 'a namespace', text))
    .join('/')
  const version = at === -1 ? undefined : decodePart(path.slice(at + 1), 'a version', text)
  if (version === '') throw notPurl(text, 'a version after the @', 'nothing')
  return {
    type,
    name,
    ...(namespace === '' ? {} : { namespace }),
    ...(version === undefined ? {} : { version }),
  }
}

/** Where the version begins: at the last `@`, unless that is the bare `@` of an npm scope. */
function versionAt(type: string, path: string): number {
  const at = path.lastIndexOf('@')
  return type === 'npm' && at === 0 && path.includes('/') ? -1 : at
}

/** A `git` package is named by its host, and the path of the repository there. */
function nameOfGit(names: string): number {
  return names.endsWith('/') ? names.length - 1 : names.indexOf('/')
}

function parseQualifiers(
  pairs: string,
  keyOf: (key: string) => string,
  text: string,
): Readonly<Record<string, string>> {
  const found = new Map<string, string>()
  for (const pair of pairs.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    if (equals === -1) throw notPurl(text, 'qualifiers as key=value', quote(pair, 80))
    const key = keyOf(pair.slice(0, equals))
    if (found.has(key)) throw notPurl(text, 'each qualifier once', `${quote(key)} twice`)
    found.set(key, decodePart(pair.slice(equals + 1), 'a qualifier', text))
  }
  return Object.fromEntries(found)
}

function parseSubpath(subpath: string, text: string): string {
  return subpath
    .split('/')
    .filter((segment) => segment !== '' && segment !== '.')
    .map((segment) => decodeSegment(segment, 'a subpath', text))
    .join('/')
}

function decodeSegment(segment: string, what: string, text: string): string {
  const decoded = decodePart(segment, what, text)
  if (decoded.includes('/')) throw notPurl(text, `${what} without %2F`, quote(segment))
  return decoded
}

/** The parts as their type prescribes them, whoever wrote them. */
function checked(parts: Purl, text: string): Purl {
  const { type, name } = parts
  if (typeof type !== 'string' || !typeForm.test(type)) {
    throw notPurl(text, 'a type of letters, digits, dot, plus and dash', quote(type))
  }
  if (typeof name !== 'string' || name === '') throw notPurl(text, 'a name', 'none')
  const purl = normalised({ ...withoutEmpty(parts), type, name }, text)
  const paths = [name, purl.namespace ?? name, purl.subpath ?? name]
  const odd = paths.find((path) => dotSegment.test(path))
  if (odd !== undefined) throw notPurl(text, 'no empty, "." or ".." part', quote(odd))
  return purl
}

function withoutEmpty({ namespace, version, qualifiers, subpath }: Purl): Partial<Purl> {
  const pairs = Object.entries(qualifiers ?? {})
    .filter(([, value]) => value !== '')
    .sort(([one], [other]) => (one < other ? -1 : 1))
  for (const [key] of pairs) {
    if (!keyForm.test(key)) {
      throw notPurl(
        key,
        'qualifier keys of lower-case letters, digits, dot, dash, underscore',
        quote(key),
      )
    }
  }
  return {
    ...(namespace === undefined || namespace === '' ? {} : { namespace }),
    ...(version === undefined || version === '' ? {} : { version }),
    ...(pairs.length === 0 ? {} : { qualifiers: Object.fromEntries(pairs) }),
    ...(subpath === undefined || subpath === '' ? {} : { subpath }),
  }
}

function cutLast(text: string, mark: string): readonly [string, string | undefined] {
  const at = text.lastIndexOf(mark)
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}
