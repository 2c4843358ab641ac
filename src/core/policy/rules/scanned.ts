import {
  applyVex,
  isAtLeast,
  isSettled,
  type JudgedFinding,
  type Scan,
  type VexTarget,
} from '#attestation'
import { cut, isBefore } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import { parsePurl } from '#package'
import { claimed, type Fact } from '#trust'
import { z } from 'zod'
import { durationSchema } from '../duration.ts'
import { earliest, endOfSigners, signerFacts } from '../judge-each.ts'
import { provenanceKind } from '../kinds/provenance.ts'
import { predicateKinds } from '../kinds/predicate-kinds.ts'
import type { Outcome, Place, Rule, RuleContext, Testimony } from '../rule.ts'
import { bySchema } from '../schema-parts.ts'
import { isFromFuture } from './from-future.ts'

const deny = z.strictObject({
  severity: z
    .enum(['low', 'medium', 'high', 'critical'])
    .describe('this bad and worse; a vulnerability of which nobody says how bad it is counts'),
  unless: z
    .literal('vex')
    .optional()
    .describe('but not what a VEX document says to be fixed or not to affect the artifact'),
  vexBy: bySchema.optional().describe('whose VEX documents count; default is "by"'),
})

const schema = z
  .strictObject({
    by: bySchema,
    within: durationSchema.describe('how old the newest scan may be'),
    database: durationSchema
      .optional()
      .describe('how old the database of vulnerabilities may have been at the scan'),
    deny: deny.describe('what the newest scan must not have found'),
  })
  .refine(
    ({ deny: { unless, vexBy } }) => unless !== undefined || vexBy === undefined,
    '"vexBy" only with "unless: vex"',
  )

type Parameters = z.output<typeof schema>

/** Scanned not long ago, and the newest scan found nothing that is denied. */
export const scanned: Rule<Parameters> = {
  name: 'scanned',
  schema,
  threats: ['T08', 'T25'],
  threat:
    'An artifact with vulnerabilities that are known by now is deployed, because nobody looked, or nobody looked lately.',
  cannot:
    'It finds what the scanner knows and no more, and believes its time. A VEX document is the word of whoever signs it, and does not end by itself.',
  fixes: 'evidence',
  predicateTypes: () => [...predicateKinds.scan.predicateTypes],
  evaluate: (rule, context) => {
    const search = context.search(predicateKinds.scan, rule.by)
    return search.nothing ?? judgeNewest(search.found.map(timed), rule, context)
  },
}

interface Timed {
  readonly testimony: Testimony<Scan>
  /** When the scan ended: as the scanner says, or as others prove for a scanner that does not say. */
  readonly at?: Date
}

function timed(testimony: Testimony<Scan>): Timed {
  const { finishedOn } = testimony.said
  const proven = testimony.signers.flatMap(({ certificate }) => certificate?.times ?? [])
  const at = finishedOn === undefined ? proven[0]?.at : new Date(finishedOn)
  return at === undefined ? { testimony } : { testimony, at }
}

/** The newest scan decides, whatever older ones say: it knows more. Of those as new, every one has to be good. */
function judgeNewest(scans: readonly Timed[], rule: Parameters, context: RuleContext): Outcome {
  const future = scans.find((scan) => isTooEarly(scan, context.now))
  // A scan of tomorrow would be the newest for ever.
  if (future !== undefined) return refuse(future, [fromFuture(future, context)])
  const untimed = scans.filter(({ at }) => at === undefined)
  // Nobody knows whether it is the newest: what it found may be there still.
  for (const scan of untimed) {
    const { problems } = judgeFindings(scan.testimony.said, rule, context)
    if (problems.length > 0) return refuse(scan, problems)
  }
  const times = scans.flatMap(({ at }) => at ?? [])
  if (times.length === 0) {
    return { ...refuse(untimed[0], [withoutTime(context.place)]), verdict: 'MISSING' }
  }
  const newest = new Date(Math.max(...times.map(Number)))
  const outcomes = scans
    .filter(({ at }) => at?.getTime() === newest.getTime())
    .map((scan) => judge(scan, newest, rule, context))
  const worst = (['FAIL', 'STALE', 'PASS'] as const).flatMap((verdict) =>
    outcomes.filter((outcome) => outcome.verdict === verdict),
  )
  return worst[0] ?? refuse(undefined, [withoutTime(context.place)])
}

function judge(scan: Timed, at: Date, rule: Parameters, context: RuleContext): Outcome {
  const { now, place } = context
  const { testimony } = scan
  const findings = judgeFindings(testimony.said, rule, context)
  const database = judgeDatabase(testimony.said, at, rule, place)
  const end = new Date(at.getTime() + rule.within.milliseconds)
  const old = isBefore(now, end) ? undefined : tooOld(at, end, rule, place)
  const { denied, settled } = findings
  const facts = factsOf(testimony, at, denied.length, settled)
  const problems = [
    ...findings.problems,
    ...(database === undefined ? [] : [database]),
    ...(old === undefined ? [] : [old]),
  ]
  if (problems.length === 0) {
    const staleAt = earliest(end, endOfSigners(testimony.signers)) ?? end
    return { ...refuse(scan, []), verdict: 'PASS', facts, staleAt }
  }
  // What an old scan found is still there; what a new scan would find nobody knows.
  const verdict = findings.problems.length > 0 ? 'FAIL' : 'STALE'
  return { ...refuse(scan, problems), verdict, facts }
}

function judgeFindings(said: Scan, rule: Parameters, context: RuleContext) {
  const { severity, unless, vexBy = rule.by } = rule.deny
  const bad = said.findings.filter((finding) => isAtLeast(finding.severity, severity))
  const judged: readonly JudgedFinding[] =
    unless === undefined || bad.length === 0
      ? bad.map((finding) => ({ finding }))
      : applyVex(
          bad,
          context.search(predicateKinds.vex, vexBy).found.map((one) => one.said),
          targetOf(context),
        )
  const denied = judged.filter((finding) => !isSettled(finding))
  const settled = judged.filter(isSettled)
  const problems = denied.length === 0 ? [] : [found(denied, rule, context.place)]
  return { denied, settled, problems }
}

/** What builders call the artifact: what the requester calls it costs nothing to choose. */
function targetOf({ request: { artifact }, search, builders }: RuleContext): VexTarget {
  const known = builders.length === 0 ? [] : search(provenanceKind, builders).found
  const names = known.flatMap(({ said }) => said.names)
  return { digests: artifact.digest, purls: names.filter(isPurl) }
}

function isPurl(name: string): boolean {
  try {
    return name.startsWith('pkg:') && parsePurl(name).type !== ''
  } catch (error) {
    if (error instanceof SallyportError) return false
    throw error
  }
}

function found(denied: readonly JudgedFinding[], rule: Parameters, place: Place): Problem {
  const shown = denied.slice(0, 4).map(({ finding, status }) => {
    const { id, severity, package: where, fixedIn } = finding
    const name = where?.purl ?? where?.name
    const fixed = fixedIn[0] === undefined ? '' : `, fixed in ${quote(fixedIn[0], 40)}`
    const said = status === undefined ? '' : `, ${status} says VEX`
    return `${quote(id, 60)} (${severity}${name === undefined ? '' : ` in ${quote(name, 120)}`}${fixed}${said})`
  })
  const more = denied.length > 4 ? ` and ${denied.length - 4} more` : ''
  const fixable = denied.find(({ finding }) => finding.fixedIn.length > 0)?.finding
  const update =
    fixable === undefined
      ? 'Remove or replace what is vulnerable, and build again'
      : `Update ${quote(fixable.package?.purl ?? fixable.package?.name ?? 'the package', 120)} to ${quote(fixable.fixedIn[0] ?? '', 40)}, and build again`
  const vex =
    rule.deny.unless === undefined
      ? ''
      : `; or, if it does not affect the artifact, have ${(rule.deny.vexBy ?? rule.by).join(' or ')} say so in a VEX document about it`
  return {
    code: 'SCAN_FINDINGS',
    where: place.at('deny'),
    expected: `nothing that is ${rule.deny.severity} or worse`,
    found: `${denied.length}: ${shown.join(', ')}${more}`,
    fix: `${update}${vex}`,
  }
}

function judgeDatabase(
  { databaseTime }: Scan,
  at: Date,
  { database }: Parameters,
  place: Place,
): Problem | undefined {
  if (database === undefined) return undefined
  const limit = at.getTime() - database.milliseconds
  if (databaseTime !== undefined && Date.parse(databaseTime) >= limit) return undefined
  return {
    code: 'SCAN_DATABASE_TOO_OLD',
    where: place.at('database'),
    expected: `a database of vulnerabilities not older than ${database.text} at the scan of ${at.toISOString()}`,
    found:
      databaseTime === undefined
        ? 'a scan that does not say how old its database was'
        : databaseTime,
    fix: 'Update the database of the scanner, and scan again',
  }
}

function tooOld(at: Date, end: Date, { within, by }: Parameters, place: Place): Problem {
  return {
    code: 'SCAN_TOO_OLD',
    where: place.at('within'),
    expected: `a scan of the last ${within.text}`,
    found: `the newest is of ${at.toISOString()}; it was good until ${end.toISOString()}`,
    fix: `Have ${by.join(' or ')} scan the artifact again`,
  }
}

/** Later than now, or later than somebody else says that it was signed. */
function isTooEarly({ at, testimony }: Timed, now: Date): boolean {
  if (at === undefined) return false
  const proven = testimony.signers.flatMap(({ certificate }) => certificate?.times ?? [])
  return [now, ...proven.map((time) => time.at)].some((time) => isFromFuture(at, time))
}

function fromFuture({ at }: Timed, { now, place }: RuleContext): Problem {
  return {
    code: 'TIME_IN_FUTURE',
    where: place.at('within'),
    expected: `a scan that ended before it was signed, and before ${now.toISOString()}`,
    found: at?.toISOString() ?? '',
    fix: 'Correct the clock of the scanner or of this machine, and scan again',
  }
}

function withoutTime(place: Place): Problem {
  return {
    code: 'FACT_MISSING',
    where: place.at('within'),
    expected: 'a scan that says when it ended',
    found: 'results without a time, and nobody else who says when they were signed',
    fix: 'Scan with a tool that records when it ended, or sign the result with an entry in a transparency log',
  }
}

function refuse(scan: Timed | undefined, problems: readonly Problem[]): Outcome {
  const evidence = scan === undefined ? [] : [scan.testimony.verified.digest]
  const facts = scan === undefined ? [] : signerFacts(scan.testimony.signers)
  return { verdict: 'FAIL', problems, evidence, facts }
}

/** MAT-24: what VEX has settled is shown, both the finding and what is said of it. */
function factsOf(
  { said, signers }: Testimony<Scan>,
  at: Date,
  denied: number,
  settled: readonly JudgedFinding[],
): readonly Fact[] {
  return [
    ...signerFacts(signers),
    claimed('scanner', cut(said.scanner, 200)),
    claimed('scannedAt', at.toISOString()),
    claimed('findings', said.findings.length),
    claimed('findings.denied', denied),
    ...settled
      .slice(0, 16)
      .map(({ finding, status, statement }) =>
        claimed(
          `vex.${cut(finding.id, 60)}`,
          `${status ?? ''}${statement?.justification === undefined ? '' : `: ${cut(statement.justification, 200)}`}`,
        ),
      ),
  ]
}
