import { quote, SallyportError } from '#error'
import { satisfiesVersion, type VersionRelation } from './version.ts'

/** One way to satisfy a dependency. */
export interface Alternative {
  readonly name: string
  readonly version?: { readonly relation: VersionRelation; readonly of: string }
}

/** A dependency: one of these must be there. */
export type Dependency = readonly Alternative[]

/** Reads the value of a field like `Depends` for one architecture (Debian Policy 7.1). */
export function parseRelations(text: string, architecture: string): Dependency[] {
  return text
    .split(',')
    .map((group) =>
      group.split('|').flatMap((alternative) => parseAlternative(alternative, architecture)),
    )
    .filter((group) => group.length > 0)
}

// Single spaces: runs of them, which several places of the pattern could take, would be tried in every way.
const alternativePattern =
  /^([a-z0-9][a-z0-9+.-]*)(?::[a-z0-9]+)? ?(?:\( ?(<<|<=|=|>=|>>|<|>) ?([^)\s]+) ?\))? ?(?:\[([^\]]*)\])? ?(?:<[^>]*> ?)*$/

function parseAlternative(text: string, architecture: string): Alternative[] {
  const plain = text.trim().replaceAll(/\s+/g, ' ')
  if (plain === '') return []
  const match = alternativePattern.exec(plain)
  // A wish that cannot be read must not count as no wish.
  if (match === null) throw unreadable(text)
  const [, name = '', relation, version, architectures] = match
  if (architectures !== undefined && !appliesTo(architectures, architecture)) return []
  if (relation === undefined || version === undefined) return [{ name }]
  return [{ name, version: { relation: modern(relation), of: version } }]
}

function unreadable(text: string): SallyportError {
  return new SallyportError({
    code: 'ROOT_DEPENDENCY',
    where: 'the dependencies of a Debian package',
    expected: 'a relation such as "libc6 (>= 2.36)"',
    found: quote(text.trim()),
    fix: "Take the package out of the recipe's root.debian; it cannot be resolved",
  })
}

/** `<` and `>` are old spellings of `<=` and `>=`. */
function modern(relation: string): VersionRelation {
  if (relation === '<') return '<='
  return relation === '>' ? '>=' : (relation as VersionRelation)
}

function appliesTo(list: string, architecture: string): boolean {
  const names = list.trim().split(/\s+/)
  const matches = (name: string): boolean => ['any', 'linux-any', architecture].includes(name)
  return names[0]?.startsWith('!') === true
    ? !names.some((name) => matches(name.slice(1)))
    : names.some(matches)
}

/** Whether a package of this version is what an alternative asks for by name. */
export function accepts(alternative: Alternative, version: string): boolean {
  const wanted = alternative.version
  return wanted === undefined || satisfiesVersion(version, wanted.relation, wanted.of)
}
