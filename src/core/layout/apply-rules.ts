import { quote, type Problem } from '#error'
import { showRule } from './artifact-rule.ts'
import type { ArtifactRule, Artifacts, Hashes, Item, MatchRule, StepLink } from './layout-types.ts'
import { fits, readPattern, type Budget } from './pattern.ts'

/** The links that rules may speak of, by the name of the step or inspection. */
export type Links = ReadonlyMap<string, Pick<StepLink, 'materials' | 'products'>>

/**
 * Applies the rules of a step or inspection to what was recorded of it (specification 4.3.3.1). Each rule takes from
 * the queue what it accounts for; DISALLOW and REQUIRE look at what is left.
 *
 * @throws SallyportError LAYOUT_EXPENSIVE
 */
export function applyRules(
  item: Item,
  links: Links,
  where: string,
  budget: Budget,
): readonly Problem[] {
  const link = links.get(item.name)
  if (link === undefined) return []
  return [
    ...applyTo('materials', item.expectedMaterials, { link, links, where, budget }),
    ...applyTo('products', item.expectedProducts, { link, links, where, budget }),
  ]
}

interface Context {
  readonly link: Pick<StepLink, 'materials' | 'products'>
  readonly links: Links
  readonly where: string
  readonly budget: Budget
}

/** The first rule that fails ends its list: what comes after it was written for a queue that it has passed. */
function applyTo(
  kind: 'materials' | 'products',
  rules: readonly ArtifactRule[],
  context: Context,
): readonly Problem[] {
  const queue = new Set(context.link[kind].keys())
  for (const [index, rule] of rules.entries()) {
    const where = `${context.where}: expected_${kind}[${index}]`
    if (rule.type === 'REQUIRE') {
      // REQUIRE names one file and is no pattern; a rule before it may have taken the file already.
      if (!queue.has(rule.pattern)) return [notThere(rule, where, kind, context.link[kind], queue)]
      continue
    }
    const taken = consumed(rule, queue, kind, context)
    if (rule.type === 'DISALLOW') {
      if (taken.length > 0) return [notAllowed(rule, where, kind, taken)]
      continue
    }
    for (const path of taken) queue.delete(path)
  }
  return []
}

function consumed(
  rule: Exclude<ArtifactRule, { type: 'REQUIRE' }>,
  queue: ReadonlySet<string>,
  kind: 'materials' | 'products',
  context: Context,
): readonly string[] {
  if (rule.type === 'MATCH') return matched(rule, queue, context.link[kind], context)
  const { materials, products } = context.link
  const pattern = readPattern(rule.pattern)
  return [...queue].filter((path) => {
    if (!fits(pattern, path, context.budget)) return false
    if (rule.type === 'CREATE') return products.has(path) && !materials.has(path)
    if (rule.type === 'DELETE') return materials.has(path) && !products.has(path)
    if (rule.type === 'MODIFY') return isModified(materials.get(path), products.get(path))
    return true
  })
}

function isModified(before: Hashes | undefined, after: Hashes | undefined): boolean {
  return before !== undefined && after !== undefined && !isSame(before, after)
}

/** Prefixes are taken off before the pattern is compared, so there are no wildcards in them. */
function matched(
  rule: MatchRule,
  queue: ReadonlySet<string>,
  sources: Artifacts,
  { links, budget }: Context,
): readonly string[] {
  const destinations = links.get(rule.from)?.[rule.with]
  if (destinations === undefined) return []
  const pattern = readPattern(rule.pattern)
  const from = folder(rule.sourcePrefix)
  const to = folder(rule.destinationPrefix)
  return [...queue].filter((path) => {
    if (!path.startsWith(from)) return false
    const rest = path.slice(from.length)
    // What is left is a path below the prefix: one that begins at the root is none.
    if (from !== '' && rest.startsWith('/')) return false
    if (!fits(pattern, rest, budget)) return false
    const [source, destination] = [sources.get(path), destinations.get(`${to}${rest}`)]
    return source !== undefined && destination !== undefined && isSame(source, destination)
  })
}

function folder(prefix: string): string {
  const path = prefix.replaceAll('\\', '/')
  return path === '' || path.endsWith('/') ? path : `${path}/`
}

/** The same algorithms with the same values: a hash that only one side has proves nothing about the other. */
export function isSame(a: Hashes, b: Hashes): boolean {
  const names = Object.keys(a)
  return (
    names.length > 0 &&
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && a[name] === b[name])
  )
}

function notThere(
  rule: ArtifactRule,
  where: string,
  kind: string,
  all: Artifacts,
  queue: ReadonlySet<string>,
): Problem {
  const wasTaken = all.has(rule.pattern)
  return {
    code: 'LAYOUT_RULE',
    where: `${where} ${quote(showRule(rule), 300)}`,
    expected: `${quote(rule.pattern, 200)} among the ${kind} that no rule before has taken`,
    found: wasTaken ? 'a rule before it has taken it' : listed([...queue]),
    fix: wasTaken
      ? 'Have the owner of the layout put REQUIRE before the rule that takes the file'
      : `Run the step so that ${quote(rule.pattern, 200)} is there, and have the functionary sign a new link`,
  }
}

function notAllowed(
  rule: ArtifactRule,
  where: string,
  kind: string,
  taken: readonly string[],
): Problem {
  return {
    code: 'LAYOUT_RULE',
    where: `${where} ${quote(showRule(rule), 300)}`,
    expected: `no ${kind} that the rules before do not account for`,
    found: listed(taken),
    fix: `Find out where ${quote(taken[0] ?? '', 200)} comes from: run the step again without it or without the change, or have the owner of the layout allow it`,
  }
}

function listed(paths: readonly string[]): string {
  if (paths.length === 0) return 'nothing is left'
  const shown = [...paths]
    .sort()
    .slice(0, 5)
    .map((path) => quote(path, 120))
  return `${shown.join(', ')}${paths.length > 5 ? ` and ${paths.length - 5} more` : ''}`
}
