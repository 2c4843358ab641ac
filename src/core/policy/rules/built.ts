import {
  buildTypes as definitions,
  checkInputs,
  checkOmissions,
  type Provenance,
} from '#attestation'
import { cut } from '#document'
import { quote, type Problem } from '#error'
import {
  authenticated,
  claimed,
  type Basis,
  type Fact,
  type Signer,
  type VerifiedSigner,
} from '#trust'
import { z } from 'zod'
import { buildTypeOf, knownBuildType, type External } from '../build-types.ts'
import { judgeEach, type Finding, type Judgement } from '../judge-each.ts'
import { levelOf, type Level } from '../kinds/level.ts'
import { provenanceKind, type ProvenanceFacts } from '../kinds/provenance.ts'
import { sourceOf, type BuiltSource } from '../kinds/provenance-source.ts'
import { sourceSchema } from '../location.ts'
import { refPatternSchema } from '../ref.ts'
import type { Place, Rule, Testimony } from '../rule.ts'
import { bySchema, parameterValue } from '../schema-parts.ts'
import { judgeParameters, judgeRecipe } from './built-parameters.ts'
import { judgeSource } from './built-source.ts'

const recipePath = z.string().min(1).max(500)

const schema = z.strictObject({
  by: bySchema,
  level: z
    .int()
    .min(1, 'a level from 1 to 3')
    .max(3, 'a level from 1 to 3')
    .default(1)
    .describe('the SLSA Build level at least'),
  from: z
    .union(
      [...sourceSchema.options, z.array(sourceSchema).min(1, 'at least one repository').max(64)],
      'a repository, {prefix: …/}, or a list of them',
    )
    .describe('the repository; exact, or {prefix: …/}; or several of which it may be one'),
  refs: z
    .array(refPatternSchema)
    .min(1, 'at least one ref')
    .max(64)
    .optional()
    .describe('the refs that may be built; needed as soon as provenance names one'),
  recipe: z
    .union([recipePath, z.array(recipePath).min(1, 'at least one path').max(64)])
    .optional()
    .describe('path of the build instructions in the repository, or several that may be used'),
  buildType: z
    .string()
    .min(1)
    .max(2000)
    .optional()
    .describe('exact; needed for build types that Sallyport does not define'),
  parameters: z
    .record(z.string().max(200), parameterValue)
    .default({})
    .describe('the values that each external parameter may have; an unmentioned one denies'),
  unmentionedUnsafe: z
    .literal(true)
    .optional()
    .describe(
      'believe builds of any ref, recipe and parameters that the rule does not mention: whoever may start a build chooses them',
    ),
})

type Parameters = z.output<typeof schema>

/** Built by a named builder, from the named repository, as the rule allows and not otherwise. */
export const built: Rule<Parameters> = {
  name: 'built',
  schema,
  threats: ['T03', 'T05', 'T09', 'T11', 'T13'],
  threat:
    'Something else than the official pipeline built the artifact, or it built another repository, branch or recipe, or somebody chose parameters that change what the code does.',
  cannot:
    'It cannot tell whether the source was good, nor notice a builder that lies: it believes what the named signers saw.',
  fixes: 'artifact',
  predicateTypes: () => [...provenanceKind.predicateTypes],
  check: ({ level, by }, signers, place) => checkLevel(level, by, signers, place),
  evaluate: (rule, context) =>
    judgeEach(context.search(provenanceKind, rule.by), context, (testimony) =>
      judge(testimony, rule, context.place, context.trust.signers),
    ),
}

function judge(
  testimony: Testimony<ProvenanceFacts>,
  rule: Parameters,
  place: Place,
  known: ReadonlyMap<string, Signer>,
): Judgement {
  const { said, signers } = testimony
  const { provenance } = said
  const external = buildTypeOf(provenance.buildType).read(provenance)
  const reached = reachedBy(testimony)
  const origin = sourceOf(testimony)
  const recipe = origin.recipe === undefined ? {} : { recipe: origin.recipe }
  return {
    findings: [
      ...judgeLevel(reached, rule, place, known),
      ...judgeContradiction(origin, external.recipe, place),
      ...judgeSource(origin, provenance.format, rule, place),
      ...judgeBuildType(provenance.buildType, rule.buildType, place),
      ...judgeChoices({ ...external, ...recipe }, provenance, rule, place),
      ...judgeCompleteness(provenance, origin, signers),
    ],
    facts: [
      ...factsOf(said, origin, reached.level, isProvenBuilder(signers, provenance)),
      ...unmentionedFacts(external, rule),
    ],
  }
}

/** What the requester of the build could choose: its recipe and its parameters. */
function judgeChoices(
  external: External,
  { buildType }: Provenance,
  rule: Parameters,
  place: Place,
): readonly Finding[] {
  const { recipe, parameters, unmentionedUnsafe } = rule
  if (unmentionedUnsafe !== true) {
    const wanted = recipe ?? buildTypeOf(buildType).defaultRecipe
    return [
      ...judgeRecipe(external.recipe, wanted, place),
      ...judgeParameters(external, parameters, place),
    ]
  }
  const mentioned = external.parameters.filter(({ name }) => Object.hasOwn(parameters, name))
  return [
    ...(recipe === undefined ? [] : judgeRecipe(external.recipe, recipe, place)),
    ...judgeParameters({ ...external, parameters: mentioned }, parameters, place),
  ]
}

/** What was believed only because the rule believes anything: whoever reads the decision sees the names of it. */
function unmentionedFacts({ parameters }: External, rule: Parameters): readonly Fact[] {
  if (rule.unmentionedUnsafe !== true) return []
  const names = parameters
    .map(({ name }) => name)
    .filter((name) => !Object.hasOwn(rule.parameters, name))
  return [claimed('parameters.unmentioned', cut(names.slice(0, 32).join(', '), 500))]
}

/**
 * The trust file, not the provenance, says how far a signer's word goes; the provenance can only say that it does not go as
 * far here (SLS-03, SLS-04).
 */
function reachedBy(testimony: Testimony<ProvenanceFacts>): Level {
  const highest = Math.max(0, ...testimony.signers.map(({ builderLevel }) => builderLevel ?? 0))
  const { level, limit } = levelOf(testimony)
  if (level < highest) return { level, limit: `level ${level}: ${limit}` }
  const { builderId = 'this builder' } = testimony.verified
  const told = `level ${level}, the highest that the trust file lets ${quote(builderId)} claim`
  return { level, limit: told }
}

function judgeLevel(
  { level, limit }: Level,
  rule: Parameters,
  place: Place,
  known: ReadonlyMap<string, Signer>,
): readonly Finding[] {
  if (level >= rule.level) return []
  const better = builders(rule.by, known).filter((one) => one.level >= rule.level)
  const names = better.map(({ id, signer }) => `${quote(id)} (${signer})`).join(' or ')
  const problem: Problem = {
    code: 'BUILDER_LEVEL',
    where: place.at('level'),
    expected: `SLSA Build level ${rule.level}`,
    found: limit,
    fix:
      better.length === 0
        ? `Build with a hosted builder, list it in the trust file with level ${rule.level}, and name its signer at ${place.line('by')}`
        : `Build with ${names}`,
  }
  return [{ verdict: 'FAIL', problem }]
}

function judgeBuildType(
  found: string,
  wanted: string | undefined,
  place: Place,
): readonly Finding[] {
  if (wanted === undefined ? knownBuildType(found) !== undefined : found === wanted) return []
  const shown = found === '' ? 'provenance without build type' : quote(found)
  const problem: Problem = {
    code: 'BUILD_TYPE_MISMATCH',
    where: place.at('buildType'),
    expected: wanted === undefined ? 'a build type that the rule names' : quote(wanted),
    found: wanted === undefined ? `${shown}, and no "buildType" in the rule` : shown,
    fix:
      wanted === undefined
        ? `Write \`buildType: ${found}\` in the rule at ${place.line()} after reading what its parameters mean`
        : `Build it as ${quote(wanted)}, or change "buildType" at ${place.line('buildType')}`,
  }
  return [{ verdict: 'FAIL', problem }]
}

/**
 * PRV-06, PRV-12: an input that is not identified is an input that nobody checked. A token states no inputs at all. What a
 * certificate proves need not be stated once more: the source, and about when the build ended.
 */
function judgeCompleteness(
  provenance: Provenance,
  origin: BuiltSource,
  signers: readonly VerifiedSigner[],
): readonly Finding[] {
  if (provenance.format === 'jwt') return []
  const isTimed = signers.some(({ certificate }) => certificate !== undefined)
  const proven = new Set([
    ...(isTimed ? ['provenance.finishedOn'] : []),
    ...(origin.basis === 'authenticated' && origin.commit !== undefined
      ? ['provenance.source']
      : []),
  ])
  const omissions = definitions.has(provenance.buildType) ? checkOmissions(provenance) : []
  const { isMachine } = buildTypeOf(provenance.buildType)
  const resolvedDependencies = provenance.resolvedDependencies.filter(
    ({ uri = '', digest }) => digest !== undefined || isMachine?.(uri) !== true,
  )
  return [
    ...checkInputs({ ...provenance, resolvedDependencies }),
    ...omissions.filter(({ where = '' }) => !proven.has(where)),
  ]
    .slice(0, 8)
    .map((problem) => ({ verdict: 'FAIL', problem }))
}

/** What the builder wrote, against what the authority saw that gave its signer a certificate. */
function judgeContradiction(
  { contradiction, recipe }: BuiltSource,
  stated: string | undefined,
  place: Place,
): readonly Finding[] {
  const other =
    recipe === undefined || stated === undefined || recipe === stated
      ? undefined
      : { name: 'recipe', proven: quote(recipe), stated: quote(stated) }
  const found = contradiction ?? other
  if (found === undefined) return []
  const { name, proven, stated: said } = found
  const problem: Problem = {
    code: 'SOURCE_CONTRADICTED',
    where: place.at('from'),
    expected: `the ${name} ${proven}, as the certificate of the signer says`,
    found: `provenance of the ${name} ${said}`,
    fix: `Build it in a run of ${proven} itself: provenance about something else than the run that signed it cannot be believed`,
  }
  return [{ verdict: 'FAIL', problem, hop: 'provenance → source' }]
}

function isProvenBuilder(signers: readonly VerifiedSigner[], { builderId }: Provenance): boolean {
  return signers.some(({ certificate }) => certificate?.claims['buildSignerURI'] === builderId)
}

function factsOf(
  { provenance, names }: ProvenanceFacts,
  { source, commit, basis, recipe, tagOn }: BuiltSource,
  level: number,
  isProven: boolean,
): readonly Fact[] {
  const { builderId, buildType, invocationId } = provenance
  const texts: readonly (readonly [string, string | undefined, Basis])[] = [
    ['builder.id', builderId, isProven ? 'authenticated' : 'claimed'],
    ['buildType', buildType, 'claimed'],
    ['source.uri', source?.uri, basis],
    ['source.ref', source?.ref, basis],
    ['source.tagOn', tagOn, 'claimed'],
    ['source.commit', commit, basis],
    ['recipe', recipe, 'authenticated'],
    ['artifact.name', names[0], 'claimed'],
    ['invocationId', invocationId, 'claimed'],
  ]
  const stated = texts.flatMap(([name, value, by]) =>
    value === undefined || value === '' ? [] : [{ name, value, basis: by }],
  )
  return [authenticated('level', level), ...stated]
}

function checkLevel(
  level: number,
  by: readonly string[],
  signers: readonly Signer[],
  place: Place,
): readonly Problem[] {
  const known = new Map(signers.map((signer) => [signer.name, signer]))
  const all = builders(by, known)
  const highest = Math.max(0, ...all.map((builder) => builder.level))
  if (highest >= level || all.length === 0) return []
  return [
    {
      code: 'POLICY_LEVEL_UNREACHABLE',
      where: place.at('level'),
      expected: `at most level ${highest}, the highest that the trust file lets ${by.join(', ')} claim`,
      found: `level ${level}`,
      fix: `Name a signer whose builders have level ${level}, or lower the level`,
    },
  ]
}

function builders(
  by: readonly string[],
  known: ReadonlyMap<string, Signer>,
): readonly { readonly id: string; readonly level: number; readonly signer: string }[] {
  return by.flatMap((signer) => [
    ...[...(known.get(signer)?.builders ?? [])].map(([id, level]) => ({ id, level, signer })),
    ...(known.get(signer)?.builderPrefixes ?? []).map(({ prefix, level }) => ({
      id: `${prefix}…`,
      level,
      signer,
    })),
  ])
}
