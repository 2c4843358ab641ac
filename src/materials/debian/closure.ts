import { quote, SallyportError, type Problem } from '#error'
import type { Paragraph } from './control.ts'
import { accepts, parseRelations, type Alternative, type Dependency } from './relation.ts'

/** A Debian package as far as its dependencies go. */
export interface DebPackage {
  readonly name: string
  readonly version: string
  readonly architecture: string
  /** `Pre-Depends` and `Depends`. */
  readonly needs: readonly Dependency[]
  readonly provides: readonly Alternative[]
  /** 0 for required, rising to 4 for the rest: of several providers of a name the first is taken. */
  readonly rank: number
}

/** Where packages are looked for: an archive's index, a machine's status, or a lock's own packages. */
export interface Universe<T extends DebPackage = DebPackage> {
  named(name: string): T | undefined
  providing(name: string): readonly T[]
  /** What it is, for messages. */
  readonly what: string
}

export function debPackageOf(fields: Paragraph, architecture: string): DebPackage {
  const relations = (name: string): Dependency[] =>
    parseRelations(fields.get(name) ?? '', architecture)
  return {
    name: fields.get('package') ?? '',
    version: fields.get('version') ?? '',
    architecture: fields.get('architecture') ?? '',
    needs: [...relations('pre-depends'), ...relations('depends')],
    provides: relations('provides').flat(),
    rank: rankOf(fields.get('priority')),
  }
}

function rankOf(priority: string | undefined): number {
  const order = ['required', 'important', 'standard', 'optional']
  const rank = order.indexOf(priority ?? '')
  return rank === -1 ? order.length : rank
}

export function universeOf<T extends DebPackage>(
  packages: readonly T[],
  what: string,
): Universe<T> {
  const named = new Map(packages.map((item) => [item.name, item]))
  return {
    what,
    named: (name) => named.get(name),
    providing: (name) => packages.filter(({ provides }) => provides.some((p) => p.name === name)),
  }
}

/**
 * The named packages and all that they depend on, sorted by name. Nothing is implied: no essential packages, no
 * recommendations. Of alternatives, one that is in already satisfies; otherwise the first that the universe has.
 *
 * @throws SallyportError ROOT_PACKAGE_UNKNOWN, ROOT_DEPENDENCY
 */
export function closureOf<T extends DebPackage>(
  names: readonly string[],
  universe: Universe<T>,
): T[] {
  const chosen = new Map<string, T>()
  const problems: Problem[] = []
  const queue: T[] = []
  const add = (item: T): void => {
    if (chosen.has(item.name)) return
    chosen.set(item.name, item)
    queue.push(item)
  }
  for (const name of names.toSorted()) {
    const item = universe.named(name)
    if (item === undefined) problems.push(unknownPackage(name, universe))
    else add(item)
  }
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
    for (const dependency of item.needs) {
      if (satisfied(dependency, chosen)) continue
      const found = firstOf(dependency, universe)
      if (found === undefined) problems.push(unsatisfied(item, dependency, universe))
      else add(found)
    }
  }
  SallyportError.throwAll(problems)
  return [...chosen.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function satisfied(dependency: Dependency, chosen: ReadonlyMap<string, DebPackage>): boolean {
  return dependency.some((alternative) => {
    const item = chosen.get(alternative.name)
    if (item !== undefined && accepts(alternative, item.version)) return true
    return chosen.values().some((other) => isProvidedBy(alternative, other))
  })
}

function firstOf<T extends DebPackage>(
  dependency: Dependency,
  universe: Universe<T>,
): T | undefined {
  for (const alternative of dependency) {
    const item = universe.named(alternative.name)
    if (item !== undefined && accepts(alternative, item.version)) return item
    const [provider] = universe
      .providing(alternative.name)
      .filter((other) => isProvidedBy(alternative, other))
      .toSorted((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : 1))
    if (provider !== undefined) return provider
  }
  return undefined
}

/** A versioned wish needs a versioned promise (Debian Policy 7.5). */
function isProvidedBy(alternative: Alternative, other: DebPackage): boolean {
  return other.provides.some(
    ({ name, version }) =>
      name === alternative.name &&
      (alternative.version === undefined ||
        (version !== undefined && accepts(alternative, version.of))),
  )
}

function unknownPackage(name: string, universe: Universe): Problem {
  return {
    code: 'ROOT_PACKAGE_UNKNOWN',
    where: 'root.debian',
    expected: `a package named ${quote(name)} in ${universe.what}`,
    found: 'no such package',
    fix: `Correct the name ${quote(name)} in the recipe's root.debian, or install or publish the package`,
  }
}

function unsatisfied(item: DebPackage, dependency: Dependency, universe: Universe): Problem {
  return {
    code: 'ROOT_DEPENDENCY',
    where: `Debian package ${item.name} ${item.version}`,
    expected: `${dependency.map(describe).join(' or ')} in ${universe.what}`,
    found: 'none of them',
    fix: 'Run `sallyport lock --root`, review what changed, and commit the lock',
  }
}

function describe({ name, version }: Alternative): string {
  return version === undefined ? name : `${name} (${version.relation} ${version.of})`
}
