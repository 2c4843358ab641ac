import { accountOf, sentenceOf, type Decision } from '#decision'
import { catalogue, escapeLine, type Problem } from '#error'
import { shellName } from '#policy'
import type { ImageAnswer } from './admit.ts'
import { breakglassAnnotation, evidenceAnnotation } from './annotations.ts'

/** Reasons that are told in full; a developer fixes the first one first. */
const maxReasons = 3
const maxText = 600

/** Who may let something in although the policy refuses it. */
export interface GlassTerms {
  readonly approvers: readonly string[]
  readonly count: number
  /** Where people reach this gate, if they do. */
  readonly gate?: string
}

/**
 * Why an image may not run, as kubectl shows it: the answer, then each reason with its fix on lines of its own. Whatever
 * an attacker could write is on one line and escaped, so that nobody can add a line that looks like ours.
 */
export function explainDecision(
  decision: Decision,
  index: ImageAnswer['index'],
  terms?: GlassTerms,
): string {
  const account = accountOf(decision)
  const { artifact } = decision.request
  const shown = urgentFirst(account.problems, decision).slice(0, maxReasons)
  const others = account.problems.length - shown.length
  return [
    `${account.state}: ${sentenceOf(account, line)}`,
    ...shown.map((problem) => linesOf(shorter(problem, artifact))),
    ...(others === 0 ? [] : [`  and ${others} more ${others === 1 ? 'reason' : 'reasons'}`]),
    `  ${recordOf(index)}`,
    ...(decision.effect === 'blocked' ? [`  ${emergencyOf(decision, terms)}`] : []),
  ].join('\n')
}

/** Who brings a grant is in a hurry: why it does not count comes before what it should have waived. */
function urgentFirst(problems: readonly Problem[], { breakglass }: Decision): readonly Problem[] {
  const grants = new Set(breakglass?.grants.flatMap((grant) => grant.problems))
  return [...problems].sort((a, b) => Number(grants.has(b)) - Number(grants.has(a)))
}

/** What to do when it has to run now all the same. */
function emergencyOf({ request }: Decision, terms: GlassTerms | undefined): string {
  if (terms === undefined) return 'in an emergency: nobody may break the glass for this target'
  const { artifact, target } = request
  const named = `--environment ${shellName(target.environment)} --service ${shellName(target.service)}`
  const where = `${shellName(`oci://${artifact.name}`)} ${named}`
  const ask = `in an emergency: sallyport breakglass request ${where} --reason WHY --incident REFERENCE`
  const who = `${terms.count} of ${terms.approvers.join(', ')} approves`
  const pods = `into the annotation ${breakglassAnnotation} of the pods`
  return line(
    terms.gate === undefined
      ? `${ask}; ${who}; the grant goes ${pods}`
      : `${ask} --gate ${terms.gate} --token-file FILE; ${who}, and hands the grant in there, or it goes ${pods}`,
  )
}

function recordOf(index: ImageAnswer['index']): string {
  if (index === undefined) return 'not recorded: dry run'
  if (index === 'spooled') return 'recorded in the spool of the gate: its log is away'
  return `decision ${index} in the log`
}

/** Why nothing was decided about an image or an object. */
export function explainProblem(problem: Problem): string {
  return `denied: ${line(problem.where ?? 'request')}\n${linesOf(problem)}`
}

function linesOf({ code, expected, found, fix }: Problem): string {
  return [
    `  ${code}: ${catalogue[code].title}`,
    `    expected: ${line(expected)}`,
    `    found:    ${line(found)}`,
    `    fix:      ${line(fix)}`,
  ].join('\n')
}

/** The first line has named the image: again and again, its digest hides what is said about it. */
function shorter(problem: Problem, { name, digest }: Decision['request']['artifact']): Problem {
  const quoted = JSON.stringify(name)
  const again = (text: string): string =>
    text
      .replaceAll(`${quoted} sha256:${digest['sha256'] ?? ''}`, 'this image')
      .replaceAll(` in ${quoted}`, ' in its registry')
      .replaceAll(quoted, 'this image')
  return {
    ...problem,
    expected: again(problem.expected),
    found: again(problem.found),
    // Who deploys to a cluster has no command line of the gate at hand, but annotations.
    fix: problem.fix.replace(
      'pass it with --bundle',
      `put it into the annotation ${evidenceAnnotation} of the pods`,
    ),
  }
}

function line(text: string): string {
  const safe = escapeLine(text)
  return safe.length <= maxText ? safe : `${safe.slice(0, maxText - 1).toWellFormed()}…`
}
