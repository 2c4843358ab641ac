import type { Provenance } from '#attestation'
import { quote, type Problem } from '#error'
import type { Finding } from '../judge-each.ts'
import type { BuiltSource } from '../kinds/provenance-source.ts'
import { describeLookAlike, isAt, showLocation, type Location } from '../location.ts'
import { isBuiltFrom, showRef, type BuiltRef, type RefPattern } from '../ref.ts'
import type { Place } from '../rule.ts'

interface Wanted {
  readonly from: Location | readonly Location[]
  readonly refs?: readonly RefPattern[] | undefined
  readonly unmentionedUnsafe?: true | undefined
}

/** The repository and ref that were built: exactly the ones allowed (POL-06). */
export function judgeSource(
  { source, tagOn }: Pick<BuiltSource, 'source' | 'tagOn'>,
  format: Provenance['format'],
  { from, refs, unmentionedUnsafe }: Wanted,
  place: Place,
): readonly Finding[] {
  const allowed = isSeveral(from) ? from : [from]
  if (source === undefined) return [hop(noSource(allowed, place))]
  const findings: Finding[] = []
  if (!allowed.some((one) => isAt(source.uri, one))) {
    findings.push(hop(otherSource(source.uri, allowed, place)))
  }
  // The token form of the book names no commit; every other format can, and a branch name alone is no version.
  if (format !== 'jwt' && Object.keys(source.digest).length === 0) {
    findings.push(hop(noCommit(source.uri, place)))
  }
  if (refs === undefined && unmentionedUnsafe === true) return findings
  const ref = judgeRef(builtRef(source.ref, tagOn), refs, place)
  return ref === undefined ? findings : [...findings, hop(ref)]
}

function isSeveral(from: Wanted['from']): from is readonly Location[] {
  return Array.isArray(from)
}

function builtRef(ref: string | undefined, tagOn: string | undefined): BuiltRef | undefined {
  return ref === undefined ? undefined : { ref, ...(tagOn === undefined ? {} : { tagOn }) }
}

function judgeRef(
  built: BuiltRef | undefined,
  refs: readonly RefPattern[] | undefined,
  place: Place,
): Problem | undefined {
  if (refs === undefined) return built === undefined ? undefined : unlistedRef(built.ref, place)
  const allowed = refs.map(showRef).join(' or ')
  if (built === undefined) {
    return {
      code: 'REF_MISMATCH',
      where: place.at('refs'),
      expected: allowed,
      found: 'provenance that names no ref',
      fix: `Build again by naming the ref, such as ${refName(refs)}, instead of a commit`,
    }
  }
  if (refs.some((one) => isBuiltFrom(built, one))) return undefined
  const { ref, tagOn } = built
  return {
    code: 'REF_MISMATCH',
    where: place.at('refs'),
    expected: allowed,
    found: `${quote(ref)}${tagOn === undefined ? '' : `, put on ${quote(tagOn)}`}`,
    fix: `Build the commit from ${refName(refs)} after it has been merged there, or add ${quote(ref)} to "refs" at ${place.line('refs')}`,
  }
}

function refName(refs: readonly RefPattern[]): string {
  const [first = ''] = refs
  if (typeof first === 'string') return first
  return 'prefix' in first ? `a ref below ${first.prefix}` : showRef(first)
}

function unlistedRef(ref: string, place: Place): Problem {
  return {
    code: 'PARAMETER_NOT_ALLOWED',
    where: place.at('refs'),
    expected: 'every parameter that the requester of a build can choose to be allowed by the rule',
    found: `the ref ${quote(ref)}, and no "refs" in the rule`,
    fix: `Write \`refs: [${ref}]\` in the rule at ${place.line()} if that is the ref to deploy from`,
  }
}

function noSource(from: readonly Location[], place: Place): Problem {
  return {
    code: 'SOURCE_MISMATCH',
    where: place.at('from'),
    expected: from.map(showLocation).join(' or '),
    found: 'provenance that names no source, or several without saying which one was built',
    fix: 'Build with a builder that records the one repository it built from',
  }
}

function otherSource(uri: string, from: readonly Location[], place: Place): Problem {
  const difference =
    from.map((one) => describeLookAlike(uri, one)).find((text) => text !== '') ?? ''
  const [first = ''] = from
  const wanted = typeof first === 'string' ? first : `a repository below ${first.prefix}`
  return {
    code: 'SOURCE_MISMATCH',
    where: place.at('from'),
    expected: from.map(showLocation).join(' or '),
    found: `${quote(uri)}${difference === '' ? '' : `: ${difference}`}`,
    fix: `Build it from ${wanted}, or, if this service has moved to ${quote(uri)}, change "from" at ${place.line('from')}`,
  }
}

function noCommit(uri: string, place: Place): Problem {
  return {
    code: 'SOURCE_NOT_PINNED',
    where: place.at('from'),
    expected: 'the commit that was built, by its digest',
    found: `${quote(uri)} without digest`,
    fix: 'Build with a builder that records the commit it fetched (gitCommit)',
  }
}

function hop(problem: Problem): Finding {
  return { verdict: 'FAIL', problem, hop: 'provenance → source' }
}
