import type { Sbom, SbomComponent } from '#attestation'
import { quote, SallyportError, type Problem } from '#error'
import { licenseRule, parsePurl, purlMatches, type LicenseLists, type Purl } from '#package'
import { claimed } from '#trust'
import { z } from 'zod'
import { judgeEach, type Finding, type Judgement } from '../judge-each.ts'
import { predicateKinds } from '../kinds/predicate-kinds.ts'
import type { Place, Rule, RuleContext, Testimony } from '../rule.ts'
import { bySchema } from '../schema-parts.ts'
import { fail } from './facts.ts'

const licenseName = z
  .string()
  .max(200)
  .refine(
    (text) => isReadable(() => licenseRule({ deny: [text] })),
    'one SPDX licence, such as AGPL-3.0-only',
  )
const names = z.array(licenseName).min(1, 'at least one licence').max(512)

const pattern = z
  .string()
  .max(1000)
  .refine(
    (text) => isReadable(() => parsePurl(text)),
    'a package URL such as pkg:npm/left-pad or pkg:npm/left-pad@1.3.0',
  )

const schema = z.strictObject({
  by: bySchema,
  licenses: z
    .strictObject({
      allow: names.optional().describe('no other licence is accepted'),
      deny: names.optional().describe('none of these is accepted'),
      unknown: z
        .enum(['deny', 'allow'])
        .default('deny')
        .describe('what of components of whose licence nobody says anything'),
    })
    .refine(({ allow, deny }) => (allow ?? deny) !== undefined, 'at least one of allow and deny')
    .optional()
    .describe('SPDX licences; of a choice (OR) one must be accepted, of a sum (AND) all'),
  packages: z
    .strictObject({ deny: z.array(pattern).min(1, 'at least one package').max(512) })
    .optional()
    .describe('packages that must not be inside; without version every version'),
})

type Parameters = z.output<typeof schema>

/** Somebody has written down what is inside, about these very bytes, and nothing inside is denied. */
export const sbom: Rule<Parameters> = {
  name: 'sbom',
  schema,
  threats: ['T25'],
  threat:
    'Nobody can tell what is inside when a vulnerability or a licence becomes a problem, or something is inside that must not be.',
  cannot:
    'It cannot tell whether the list is complete: what its author left out is not looked for. Components without package URL are held against denied packages by name alone.',
  fixes: 'artifact',
  predicateTypes: () => [...predicateKinds.sbom.predicateTypes],
  evaluate: (rule, context) =>
    judgeEach(context.search(predicateKinds.sbom, rule.by), context, (testimony) =>
      judge(testimony, rule, context),
    ),
}

function judge({ said }: Testimony<Sbom>, rule: Parameters, context: RuleContext): Judgement {
  const { place } = context
  const problems = [
    judgeBinding(said, context),
    said.components.length === 0 ? nothingInside(place) : undefined,
    judgeLicenses(said.components, rule.licenses, place),
    judgePackages(said.components, rule.packages?.deny ?? [], place),
  ]
  const findings: readonly Finding[] = problems.flatMap((problem) =>
    problem === undefined ? [] : [fail(problem)],
  )
  return {
    findings,
    facts: [
      claimed('sbom.format', said.format),
      claimed('sbom.components', said.components.length),
      claimed('sbom.withoutPurl', said.components.filter(({ purl }) => purl === undefined).length),
      ...(said.createdOn === undefined ? [] : [claimed('sbom.createdOn', said.createdOn)]),
    ],
  }
}

/** The statement is about the artifact; what the document itself says that it describes must not be something else. */
function judgeBinding(
  { described }: Sbom,
  { request: { artifact }, place }: RuleContext,
): Problem | undefined {
  const stated = described.filter(({ digests }) => digests['sha256'] !== undefined)
  const own = artifact.digest['sha256']
  if (stated.length === 0 || stated.some(({ digests }) => digests['sha256'] === own))
    return undefined
  const [other] = stated
  return {
    code: 'SBOM_OTHER',
    where: place.at(),
    expected: `a document that describes sha256:${own ?? ''}`,
    found: `one that describes ${quote(other?.name ?? '', 100)} sha256:${other?.digests['sha256'] ?? ''}`,
    fix: 'Write the SBOM of this very artifact, and sign that',
  }
}

function nothingInside(place: Place): Problem {
  return {
    code: 'SBOM_EMPTY',
    where: place.at(),
    expected: 'at least one component',
    found: 'a document without components',
    fix: 'Make the SBOM with a tool that finds what is inside this kind of artifact',
  }
}

function judgeLicenses(
  components: readonly SbomComponent[],
  wanted: Parameters['licenses'],
  place: Place,
): Problem | undefined {
  if (wanted === undefined) return undefined
  const judgeOne = licenseRule(listsOf(wanted))
  const bad = components.flatMap((component) => {
    const { license } = component
    if (license === undefined || license === 'NOASSERTION') {
      return wanted.unknown === 'allow' ? [] : [{ component, why: 'no licence stated' }]
    }
    const { allowed, failed } = judgeOne(license)
    if (allowed) return []
    const [first] = failed
    return [
      { component, why: `${quote(first?.license ?? license, 80)}: ${first?.why ?? 'unreadable'}` },
    ]
  })
  if (bad.length === 0) return undefined
  const shown = bad.slice(0, 4).map(({ component, why }) => `${nameOf(component)} (${why})`)
  const more = bad.length > 4 ? ` and ${bad.length - 4} more` : ''
  return {
    code: 'SBOM_LICENSE',
    where: place.at('licenses'),
    expected: describeLists(wanted),
    found: `${bad.length}: ${shown.join(', ')}${more}`,
    fix: `Replace ${bad[0] === undefined ? 'it' : nameOf(bad[0].component)}, or, after asking whoever decides about licences, change "licenses" at ${place.line('licenses')}`,
  }
}

function listsOf({ allow, deny }: NonNullable<Parameters['licenses']>): LicenseLists {
  return { ...(allow === undefined ? {} : { allow }), ...(deny === undefined ? {} : { deny }) }
}

function describeLists({ allow, deny }: NonNullable<Parameters['licenses']>): string {
  const lists = [
    allow === undefined ? '' : `only ${allow.slice(0, 8).join(', ')}`,
    deny === undefined ? '' : `not ${deny.slice(0, 8).join(', ')}`,
  ]
  return lists.filter((text) => text !== '').join(', and ')
}

function judgePackages(
  components: readonly SbomComponent[],
  denied: readonly string[],
  place: Place,
): Problem | undefined {
  const patterns = denied.map((text) => ({ text, purl: parsePurl(text) }))
  for (const component of components) {
    const hit = patterns.find(({ purl }) => isPackage(component, purl))
    if (hit === undefined) continue
    return {
      code: 'SBOM_PACKAGE',
      where: place.at('packages'),
      expected: `no ${quote(hit.text, 200)}`,
      found: nameOf(component),
      fix: `Remove ${nameOf(component)} from what is built, and build again`,
    }
  }
  return undefined
}

function isPackage({ purl, name, version }: SbomComponent, wanted: Purl): boolean {
  if (purl !== undefined) return purlMatches(wanted, parsePurl(purl))
  const full = wanted.namespace === undefined ? wanted.name : `${wanted.namespace}/${wanted.name}`
  const isNamed = name.toLowerCase() === full.toLowerCase()
  return (
    isNamed && (wanted.version === undefined || version === undefined || version === wanted.version)
  )
}

function nameOf({ purl, name, version }: SbomComponent): string {
  return quote(purl ?? (version === undefined ? name : `${name} ${version}`), 120)
}

function isReadable(read: () => unknown): boolean {
  try {
    read()
    return true
  } catch (error) {
    if (error instanceof SallyportError) return false
    throw error
  }
}
