import { coversLevel, isProvenanceType, type ResourceDescriptor, type Vsa } from '#attestation'
import { quote, SallyportError, type Problem } from '#error'
import { parsePurl, purlMatches } from '#package'
import { claimed } from '#trust'
import { z } from 'zod'
import { judgeEach, type Finding, type Judgement } from '../judge-each.ts'
import { provenanceKind, type ProvenanceFacts } from '../kinds/provenance.ts'
import { predicateKinds } from '../kinds/predicate-kinds.ts'
import type { Link, Place, Rule, RuleContext, Testimony } from '../rule.ts'
import { bySchema } from '../schema-parts.ts'
import { fail } from './facts.ts'
import { verifierProblem } from './summary.ts'

/** `pkg:npm/zod`, `git+https://host/path`, `{prefix: pkg:npm/}`, `{prefix: git+https://git.example/acme/}` */
const location = z.union(
  [
    z
      .string()
      .min(1)
      .max(2000)
      .regex(/^[a-z][a-z0-9+.-]*:[^\s*]+$/, 'a URI or package URL, exactly (no wildcard)'),
    z.strictObject({
      prefix: z
        .string()
        .max(2000)
        .regex(/^[a-z][a-z0-9+.-]*:[^\s*]+\/$/, 'a prefix that ends with "/"'),
    }),
  ],
  'a URI, a package URL, or {prefix: …/}',
)

const locations = z.array(location).min(1, 'at least one').max(512)

const schema = z.strictObject({
  by: bySchema,
  allow: locations.optional().describe('no other dependency is accepted'),
  deny: locations.optional().describe('none of these is accepted'),
  verified: z
    .strictObject({
      by: bySchema,
      verifier: z.string().min(1).max(2000).describe('the id of the verifier, exactly'),
      levels: z.array(z.string().min(1).max(200)).min(1, 'at least one level').max(64),
      except: locations.optional().describe('dependencies that need not be verified'),
    })
    .optional()
    .describe('each dependency needs a verification summary of its own about its digest'),
})

type Parameters = z.output<typeof schema>
type Where = z.output<typeof location>

/** Everything that went into the build is identified, from where it may be from, and verified where that is asked. */
export const dependencies: Rule<Parameters> = {
  name: 'dependencies',
  schema,
  threats: ['T15', 'T17', 'T25'],
  threat:
    'Something bad comes in through a dependency: a package of a stranger under a familiar name, from another registry, or one that nobody has verified.',
  cannot:
    'It sees what the builder records as resolved, one level deep; what is inside those is seen by whoever verified them. It cannot tell whether a dependency is good.',
  fixes: 'artifact',
  predicateTypes: () => [...provenanceKind.predicateTypes].filter(isProvenanceType),
  evaluate: (rule, context) =>
    judgeEach(context.search(provenanceKind, rule.by), context, (testimony) =>
      judge(testimony, rule, context),
    ),
}

/** So many summaries are looked for in one decision: what one asks for must not make the decision take for ever. */
const maxVerified = 256

function judge(
  { said }: Testimony<ProvenanceFacts>,
  rule: Parameters,
  context: RuleContext,
): Judgement {
  const { resolvedDependencies: all, builderId } = said.provenance
  const facts = [claimed('dependencies', all.length)]
  const { place } = context
  if (all.length === 0) return { findings: [notStated(builderId, place)], facts }
  const problems = [
    ...all.flatMap((one) => identify(one, builderId, place)),
    ...all.flatMap((one) => judgeLocation(one, rule, place)),
    ...judgeVerified(all, rule.verified, context),
  ]
  const shown = problems.slice(0, 8)
  return {
    findings: shown.map((problem): Finding => ({
      ...fail(problem),
      hop: 'provenance → dependency',
    })),
    facts,
  }
}

function notStated(builder: string, place: Place): Finding {
  const problem: Problem = {
    code: 'DEPENDENCIES_NOT_STATED',
    where: place.at(),
    expected: 'every input of the build, with location and digest',
    found: 'provenance without resolvedDependencies',
    fix: `Build with a version of ${quote(builder)} that records what it has resolved`,
  }
  return { verdict: 'MISSING', problem }
}

function identify(
  { uri = '', digest = {}, name }: ResourceDescriptor,
  builder: string,
  place: Place,
): readonly Problem[] {
  const missing = [uri === '' ? 'location' : '', Object.keys(digest).length === 0 ? 'digest' : '']
  const shown = missing.filter((text) => text !== '')
  if (shown.length === 0) return []
  return [
    {
      code: 'ATTESTATION_INPUT_UNIDENTIFIED',
      where: place.at(),
      expected: 'location and digest of every dependency',
      found: `${quote(name ?? uri, 120)} without ${shown.join(' and ')}`,
      fix: `Configure the builder ${quote(builder, 200)} to record ${shown.join(' and ')} of every input, and build again`,
    },
  ]
}

function judgeLocation(
  { uri = '' }: ResourceDescriptor,
  { allow, deny = [] }: Parameters,
  place: Place,
): readonly Problem[] {
  if (uri === '') return []
  const denied = deny.find((where) => isAt(uri, where))
  if (denied === undefined && (allow === undefined || allow.some((where) => isAt(uri, where))))
    return []
  const field = denied === undefined ? 'allow' : 'deny'
  return [
    {
      code: 'DEPENDENCY_DENIED',
      where: place.at(field),
      expected:
        denied === undefined
          ? `one of ${(allow ?? []).slice(0, 8).map(show).join(', ')}`
          : `nothing from ${show(denied)}`,
      found: quote(uri, 200),
      fix: `Remove ${quote(uri, 200)} from what is built, or, if it is fine, change "${field}" at ${place.line(field)}`,
    },
  ]
}

/** A package without version means every version; a path that climbs is not below its prefix. */
function isAt(uri: string, where: Where): boolean {
  if (typeof where !== 'string') {
    const rest = uri.slice(where.prefix.length)
    return (
      uri.startsWith(where.prefix) &&
      rest !== '' &&
      !/(?:^|\/)\.{0,2}(?:\/|$)|[\\\s]|%2[ef]|%5c/i.test(rest)
    )
  }
  if (uri === where) return true
  if (!where.startsWith('pkg:') || !uri.startsWith('pkg:')) return false
  try {
    return purlMatches(parsePurl(where), parsePurl(uri))
  } catch (error) {
    if (error instanceof SallyportError) return false
    throw error
  }
}

function judgeVerified(
  all: readonly ResourceDescriptor[],
  wanted: Parameters['verified'],
  context: RuleContext,
): readonly Problem[] {
  if (wanted === undefined) return []
  const needed = all.filter(
    ({ uri = '' }) => !(wanted.except ?? []).some((where) => isAt(uri, where)),
  )
  if (needed.length > maxVerified) return [tooMany(needed.length, context.place)]
  return needed.flatMap((one) => {
    const link: Link = {
      name: `the dependency ${quote(one.uri ?? one.name ?? '', 200)}`,
      digest: one.digest ?? {},
      hop: 'artifact → provenance → dependency',
    }
    const search = context.search(predicateKinds.vsa, wanted.by, link)
    if (search.nothing !== undefined) return search.nothing.problems.slice(0, 1)
    const reasons = search.found.map((testimony) => reasonAgainst(testimony, wanted, context))
    // A summary that says no about a dependency is heard, whatever another one says.
    const [bad] = reasons.filter((reason) => reason !== undefined)
    return bad === undefined ? [] : [notVerified(link, bad, wanted.by, context.place)]
  })
}

function reasonAgainst(
  { said, signers }: Testimony<Vsa>,
  { verifier, levels }: NonNullable<Parameters['verified']>,
  { trust, place }: RuleContext,
): string | undefined {
  const other = verifierProblem(said.verifierId, signers, verifier, trust.signers, place)
  if (other !== undefined) return `a summary by ${other.found}`
  if (said.verificationResult !== 'PASSED') return `"${said.verificationResult}"`
  const missing = levels.filter((level) => !coversLevel(said.verifiedLevels, level))
  return missing.length === 0 ? undefined : `a summary without ${missing.join(' and ')}`
}

function notVerified(link: Link, found: string, by: readonly string[], place: Place): Problem {
  return {
    code: 'DEPENDENCY_NOT_VERIFIED',
    where: place.at('verified'),
    expected: `a summary that confirms ${link.name}`,
    found,
    fix: `Have ${by.join(' or ')} verify ${link.name}, or use another one`,
  }
}

function tooMany(count: number, place: Place): Problem {
  return {
    code: 'DEPENDENCY_NOT_VERIFIED',
    where: place.at('verified'),
    expected: `at most ${maxVerified} dependencies to be verified one by one`,
    found: String(count),
    fix: `Write those that need not be verified under "except" at ${place.line('verified')}, or have the artifact verified as a whole (rule \`verified\`)`,
  }
}

function show(where: Where): string {
  return typeof where === 'string'
    ? quote(where, 120)
    : `anything below ${quote(where.prefix, 120)}`
}
