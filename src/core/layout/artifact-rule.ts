import type { Json } from '#document'
import { quote } from '#error'
import type { ArtifactRule, MatchRule, SimpleRule } from './layout-types.ts'
import { malformed } from './refuse.ts'

const simple: ReadonlySet<string> = new Set<SimpleRule['type']>([
  'CREATE',
  'DELETE',
  'MODIFY',
  'ALLOW',
  'DISALLOW',
  'REQUIRE',
])

const maxPattern = 4096

/**
 * Reads one artifact rule: a list of words, of which the keywords are read in either case.
 *
 * @throws SallyportError LAYOUT_FORMAT
 */
export function readArtifactRule(value: Json | undefined, where: string): ArtifactRule {
  const words = readWords(value, where)
  const [keyword = '', pattern = ''] = words
  const type = keyword.toUpperCase()
  if (simple.has(type) && words.length === 2) return { type: type as SimpleRule['type'], pattern }
  const match = type === 'MATCH' ? readMatch(words) : undefined
  if (match !== undefined) return match
  throw malformed(
    where,
    'MATCH pattern [IN prefix] WITH MATERIALS|PRODUCTS [IN prefix] FROM step, or CREATE, DELETE, MODIFY, ALLOW, DISALLOW or REQUIRE with a pattern',
    quote(words.join(' '), 200),
  )
}

/** A rule as people write it. */
export function showRule(rule: ArtifactRule): string {
  if (rule.type !== 'MATCH') return `${rule.type} ${rule.pattern}`
  const source = rule.sourcePrefix === '' ? '' : ` IN ${rule.sourcePrefix}`
  const destination = rule.destinationPrefix === '' ? '' : ` IN ${rule.destinationPrefix}`
  return `MATCH ${rule.pattern}${source} WITH ${rule.with.toUpperCase()}${destination} FROM ${rule.from}`
}

function readWords(value: Json | undefined, where: string): readonly string[] {
  if (Array.isArray(value)) {
    const words = (value as readonly Json[]).filter((word) => typeof word === 'string')
    const isGood =
      words.length === value.length && words.every(({ length }) => length <= maxPattern)
    if (isGood && words.length >= 2 && words.length <= 10) return words
  }
  throw malformed(where, 'a rule of two to ten words', quote(value, 200))
}

/** The two prefixes are optional, so a rule has six, eight or ten words. */
function readMatch(words: readonly string[]): MatchRule | undefined {
  const rest = words.slice(2)
  const sourcePrefix = takeAfter(rest, 'IN') ?? ''
  const kind = takeAfter(rest, 'WITH')?.toLowerCase()
  const destinationPrefix = takeAfter(rest, 'IN') ?? ''
  const from = takeAfter(rest, 'FROM')
  if (rest.length > 0 || from === undefined) return undefined
  if (kind !== 'materials' && kind !== 'products') return undefined
  return {
    type: 'MATCH',
    pattern: words[1] ?? '',
    sourcePrefix,
    destinationPrefix,
    with: kind,
    from,
  }
}

function takeAfter(words: string[], keyword: string): string | undefined {
  if (words[0]?.toUpperCase() !== keyword || words.length < 2) return undefined
  return words.splice(0, 2)[1]
}
