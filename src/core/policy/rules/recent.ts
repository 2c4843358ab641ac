import { isBefore } from '#document'
import { quote, type Problem, type ProblemCode } from '#error'
import { claimed, type Fact } from '#trust'
import semver from 'semver'
import { z } from 'zod'
import { packageOf } from '../artifact-name.ts'
import { durationSchema, type Duration } from '../duration.ts'
import { earliest, judgeEach, type Finding, type Judgement } from '../judge-each.ts'
import { provenanceKind, type ProvenanceFacts, type Stated } from '../kinds/provenance.ts'
import type { Place, Rule, RuleContext, Testimony } from '../rule.ts'
import { bySchema } from '../schema-parts.ts'
import { fail, unstated } from './facts.ts'
import { isFromFuture } from './from-future.ts'

/** A minimum and nothing else: ranges with an upper end would refuse tomorrow's security release. */
const minimum = z
  .string()
  .max(100)
  .refine(
    (text) => text.startsWith('>=') && semver.valid(text.slice(2)) === text.slice(2),
    'a minimum with a full version, such as ">=2.4.1"',
  )

/** Forms of provenance, the oldest first: each can say less than the next, so whoever may choose would choose the oldest. */
const formats = ['slsa-v0.1', 'slsa-v0.2', 'slsa-v1'] as const

const schema = z
  .strictObject({
    by: bySchema,
    commit: durationSchema.optional().describe('the commit is not older'),
    build: durationSchema.optional().describe('the build is not older'),
    version: z
      .union([minimum, z.record(z.string().max(1000), minimum)])
      .optional()
      .describe('the least acceptable version, or one for each package'),
    notBefore: z.iso
      .datetime({ offset: true, error: 'a time with zone such as 2026-01-01T00:00:00Z (RFC 3339)' })
      .optional()
      .describe('what was built before this is not accepted any more'),
    format: z
      .enum(formats)
      .optional()
      .describe('the oldest form of provenance that is accepted: a token has none of these'),
    builder: z
      .record(z.string().min(1).max(200), minimum)
      .refine((map) => Object.keys(map).length > 0, 'at least one component')
      .optional()
      .describe('the least acceptable version of each component of the builder that is named'),
  })
  .refine(
    ({ commit, build, version, notBefore, format, builder }) =>
      (commit ?? build ?? version ?? notBefore ?? format ?? builder) !== undefined,
    'at least one of commit, build, version, notBefore, format, builder',
  )

type Parameters = z.output<typeof schema>

/** Recent enough: by commit, by build, by version. */
export const recent: Rule<Parameters> = {
  name: 'recent',
  schema,
  threats: ['T08', 'T24'],
  threat: 'An old version with known holes is deployed again, correctly built and signed as it is.',
  cannot:
    'It cannot tell whether what is recent is good. The time of a commit is what its author wrote into it; the time of the build is what the builder saw.',
  fixes: 'artifact',
  predicateTypes: () => [...provenanceKind.predicateTypes],
  evaluate: (rule, context) =>
    judgeEach(context.search(provenanceKind, rule.by), context, (testimony) =>
      judge(testimony, rule, context),
    ),
}

interface Age {
  readonly name: 'commit' | 'build'
  readonly time: Stated<Date>
  readonly limit: Duration | undefined
  readonly stands: string
}

function judge(
  { said }: Testimony<ProvenanceFacts>,
  rule: Parameters,
  { now, place }: RuleContext,
): Judgement {
  const builder = said.provenance.builderId
  const ages: readonly Age[] = [
    {
      name: 'commit',
      time: said.committedAt,
      limit: rule.commit,
      stands: 'annotations.committedAt of the source in resolvedDependencies',
    },
    {
      name: 'build',
      time: said.builtAt,
      limit: rule.build,
      stands: 'runDetails.metadata.finishedOn',
    },
  ]
  const asked = ages.filter(({ limit }) => limit !== undefined)
  const findings = [
    ...asked.map((age) => judgeAge(age, builder, now, place)),
    judgeVersion(said, rule.version, builder, place),
    judgeStart(said, rule.notBefore, builder, place),
    judgeFormat(said, rule.format, place),
    ...judgeBuilder(said, rule.builder, place),
  ].filter((finding) => finding !== undefined)
  const staleAt = earliest(...asked.map(endOf))
  return { findings, facts: factsOf(said), ...(staleAt === undefined ? {} : { staleAt }) }
}

function judgeAge(age: Age, builder: string, now: Date, place: Place): Finding | undefined {
  const { name, time, limit, stands } = age
  const expected = `a ${name} of the last ${limit?.text ?? ''}`
  if (time.state !== 'stated') {
    return unstated(time, { name: `the time of the ${name}`, stands, expected, builder }, place)
  }
  const at = time.value.toISOString()
  if (isFromFuture(time.value, now)) {
    return fail({
      code: 'TIME_IN_FUTURE',
      where: place.at(name),
      expected: `a ${name} before ${now.toISOString()}`,
      found: at,
      fix: `Correct the clock of ${name === 'commit' ? 'whoever commits' : 'the builder'} or of this machine, and build again`,
    })
  }
  const end = endOf(age)
  if (end === undefined || isBefore(now, end)) return undefined
  const days = Math.floor((now.getTime() - time.value.getTime()) / 86_400_000)
  const problem = {
    code: name === 'commit' ? ('COMMIT_TOO_OLD' as const) : ('BUILD_TOO_OLD' as const),
    where: place.at(name),
    expected,
    found: `${at}, ${days} days old; it was good until ${end.toISOString()}`,
    fix:
      name === 'commit'
        ? 'Build from a newer commit (`sallyport build`) and deploy that artifact'
        : 'Build it again (`sallyport build`) and deploy that artifact',
  }
  return { verdict: 'STALE', problem }
}

function endOf({ time, limit }: Age): Date | undefined {
  if (time.state !== 'stated' || limit === undefined) return undefined
  return new Date(time.value.getTime() + limit.milliseconds)
}

function judgeVersion(
  { version, names }: ProvenanceFacts,
  wanted: Parameters['version'],
  builder: string,
  place: Place,
): Finding | undefined {
  if (wanted === undefined) return undefined
  const least = minimumOf(wanted, names)
  if (least === undefined) return fail(unknownPackage(wanted, names, place))
  const expected = `version ${least} or newer`
  const stands = 'annotations.version of the subject'
  if (version.state !== 'stated') {
    return unstated(
      version,
      { name: 'the version of the product', stands, expected, builder },
      place,
    )
  }
  const problem = {
    code: 'VERSION_TOO_OLD' as const,
    where: place.at('version'),
    expected,
    found: quote(version.value, 80),
    fix: `Deploy version ${least} or a newer one`,
  }
  // What is not a version cannot be newer than one.
  if (semver.valid(version.value) === null) return fail({ ...problem, code: 'FACT_MALFORMED' })
  return semver.gte(version.value, least) ? undefined : fail(problem)
}

function judgeStart(
  { builtAt }: ProvenanceFacts,
  notBefore: string | undefined,
  builder: string,
  place: Place,
): Finding | undefined {
  if (notBefore === undefined) return undefined
  const expected = `a build from ${notBefore} on`
  if (builtAt.state !== 'stated') {
    const stands = 'runDetails.metadata.finishedOn'
    return unstated(builtAt, { name: 'the time of the build', stands, expected, builder }, place)
  }
  if (builtAt.value.getTime() >= Date.parse(notBefore)) return undefined
  return old('BUILD_TOO_OLD', {
    where: place.at('notBefore'),
    expected,
    found: builtAt.value.toISOString(),
    fix: 'Build it again (`sallyport build`) and deploy that artifact',
  })
}

/** PRV-11: whoever may choose the form of provenance could go back to one that says less. */
function judgeFormat(
  { provenance: { format, builderId } }: ProvenanceFacts,
  oldest: Parameters['format'],
  place: Place,
): Finding | undefined {
  if (oldest === undefined) return undefined
  const found = formats.findIndex((name) => name === format)
  if (found >= formats.indexOf(oldest)) return undefined
  return old('FORMAT_TOO_OLD', {
    where: place.at('format'),
    expected: `provenance in the form ${oldest} or a newer one`,
    found: format === 'jwt' ? 'a token' : format,
    fix: `Build it again with a version of ${quote(builderId)} that writes ${oldest}`,
  })
}

function judgeBuilder(
  { provenance: { builderVersion, builderId } }: ProvenanceFacts,
  wanted: Parameters['builder'] = {},
  place: Place,
): readonly Finding[] {
  return Object.entries(wanted).flatMap(([component, text]) => {
    const least = text.slice(2)
    const expected = `${quote(component, 80)} ${least} or newer in the builder`
    const version = Object.hasOwn(builderVersion, component) ? builderVersion[component] : undefined
    if (version === undefined) {
      const stands = `runDetails.builder.version[${quote(component, 80)}]`
      const name = `the version of ${quote(component, 80)}`
      return [unstated({ state: 'missing' }, { name, stands, expected, builder: builderId }, place)]
    }
    const problem = {
      where: place.at('builder'),
      expected,
      found: quote(version, 80),
      fix: `Build it again with ${quote(component, 80)} ${least} or newer`,
    }
    // What is not a version cannot be newer than one.
    if (semver.valid(version) === null) return [fail({ ...problem, code: 'FACT_MALFORMED' })]
    return semver.gte(version, least) ? [] : [old('BUILDER_TOO_OLD', problem)]
  })
}

/** Good once, and of before: it contradicts no newer record. */
function old(code: ProblemCode, problem: Omit<Problem, 'code'>): Finding {
  return { verdict: 'STALE', problem: { ...problem, code } }
}

function minimumOf(
  wanted: string | Readonly<Record<string, string>>,
  names: readonly string[],
): string | undefined {
  if (typeof wanted === 'string') return wanted.slice(2)
  const name = names.map(packageOf).find((one) => Object.hasOwn(wanted, one))
  return name === undefined ? undefined : wanted[name]?.slice(2)
}

function unknownPackage(
  wanted: string | Readonly<Record<string, string>>,
  names: readonly string[],
  place: Place,
) {
  const known = typeof wanted === 'string' ? '' : Object.keys(wanted).join(', ')
  const shown = names.map((name) => quote(packageOf(name), 100)).join(', ')
  return {
    code: 'VERSION_UNKNOWN_PACKAGE' as const,
    where: place.at('version'),
    expected: `one of the packages ${known}`,
    found: shown === '' ? 'provenance that does not name the artifact' : shown,
    fix: `Add a minimum for ${names[0] === undefined ? 'the package' : quote(packageOf(names[0]), 100)} at ${place.line('version')}`,
  }
}

function factsOf({ committedAt, builtAt, version, commit }: ProvenanceFacts): readonly Fact[] {
  return [
    ...(commit === undefined ? [] : [claimed('source.commit', commit)]),
    ...(committedAt.state === 'stated'
      ? [claimed('source.committedAt', committedAt.value.toISOString())]
      : []),
    ...(builtAt.state === 'stated' ? [claimed('builtAt', builtAt.value.toISOString())] : []),
    ...(version.state === 'stated' ? [claimed('version', version.value)] : []),
  ]
}
