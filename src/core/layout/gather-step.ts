import { quote, type Problem } from '#error'
import { isSame } from './apply-rules.ts'
import { authorizedKeys, type Functionary } from './functionaries.ts'
import type { Artifacts, Layout, Step, StepLink } from './layout-types.ts'
import { isSignedBy, openMetadata, type Metadata } from './metadata.ts'
import { oddPaths, readLink } from './read-link.ts'
import { attempt } from './refuse.ts'
import {
  rejected,
  type InspectionGroup,
  type LayoutRejection,
  type LinkFile,
  type StepResult,
  type Task,
  type Verification,
} from './verification.ts'

/** One thing that a functionary signed about the step. */
interface Report {
  readonly functionary: Functionary
  readonly where: string
  readonly link: StepResult['link']
  readonly steps: readonly StepResult[]
  readonly pending: readonly InspectionGroup[]
  readonly expires: Date
}

/** A sublayout may stand in for a step; every other step is as long valid as its layout. */
const never = new Date(8.64e15)

/**
 * Finds who did a step, and what they say came of it (specification 4.3.1). What is not signed by one of its functionaries
 * does not count, whatever it says; what is must agree.
 *
 * @throws SallyportError LAYOUT_EXPENSIVE, LAYOUT_DEPTH, or what is wrong with a sublayout
 */
export function gatherStep(
  step: Step,
  layout: Layout,
  task: Task,
  verification: Verification,
): StepResult | LayoutRejection {
  const { warnings } = verification
  const reports: Report[] = []
  const notes: string[] = []
  let files = 0
  for (const functionary of authorizedKeys(step, layout)) {
    const path = `${task.folder}${step.name}.${functionary.id.slice(0, 8)}.link`
    for (const file of verification.files.get(path) ?? []) {
      files += 1
      const report = readReport(file, functionary, step, task, verification)
      if (typeof report === 'string') notes.push(`${quote(file.where ?? path, 120)}: ${report}`)
      else if ('verdict' in report) return report
      else reports.push(report)
    }
  }
  const materials = new Set(reports.map(({ functionary }) => functionary.key.material))
  if (materials.size < step.threshold) {
    const isMissing = files < step.threshold
    const problem = tooFew(step, task.where, { isMissing, notes, count: materials.size })
    return rejected(isMissing && notes.length === 0 ? 'MISSING' : 'FAIL', [problem], warnings)
  }
  return agree(step, reports, task, warnings)
}

/** What a functionary says, or why it does not count. */
function readReport(
  file: LinkFile,
  functionary: Functionary,
  step: Step,
  task: Task,
  verification: Verification,
): Report | LayoutRejection | string {
  const where = file.where ?? file.path
  const opened = attempt(() => openMetadata(file.bytes, where))
  if ('problems' in opened) return `cannot be read (${opened.problems[0]?.found ?? ''})`
  const metadata = opened.value
  if (!isSignedBy(metadata, functionary.key, verification.now)) {
    return `no good signature by ${functionary.id.slice(0, 16)}`
  }
  if (metadata.type === 'layout') {
    return readSublayout(metadata, { where, functionary, step, task, verification })
  }
  const read = attempt(() => readLink(metadata.payload, where))
  if ('problems' in read) return `cannot be read (${read.problems[0]?.found ?? ''})`
  const link = read.value
  // A link says of which step it is; its file name is nobody's word.
  if (link.name !== step.name) return `it is a link of the step ${quote(link.name, 100)}`
  verification.warnings.push(...remarks(link, step, where))
  return { functionary, where, link, steps: [], pending: [], expires: never }
}

interface Sublayout {
  readonly where: string
  readonly functionary: Functionary
  readonly step: Step
  readonly task: Task
  readonly verification: Verification
}

/** Whoever may do the step may say how it is done; links of the sublayout stand in a folder of its name. */
function readSublayout(
  metadata: Metadata,
  { where, functionary, step, task, verification }: Sublayout,
): Report | LayoutRejection {
  const result = verification.verify({
    metadata,
    where,
    folder: `${task.folder}${step.name}.${functionary.id.slice(0, 8)}/`,
    depth: task.depth + 1,
    keys: [functionary.key],
  })
  if (result.kind === 'rejected') return result
  const { summary: link, steps, pending, expires } = result
  return { functionary, where, link, steps, pending, expires }
}

function agree(
  step: Step,
  reports: readonly Report[],
  task: Task,
  warnings: readonly Problem[],
): StepResult | LayoutRejection {
  const [first, ...others] = reports
  if (first === undefined) throw new TypeError('a step without links was let through')
  const other = others.find(
    ({ link }) =>
      !areSame(first.link.materials, link.materials) ||
      !areSame(first.link.products, link.products),
  )
  if (other !== undefined) {
    return rejected('FAIL', [disagree(step, first, other, task.where)], warnings)
  }
  return {
    kind: 'step',
    name: step.name,
    functionaries: reports.map(({ functionary }) => functionary.id),
    link: first.link,
    steps: reports.flatMap(({ steps }) => steps),
    pending: reports.flatMap(({ pending }) => pending),
    expires: new Date(Math.min(...reports.map(({ expires }) => expires.getTime()))),
  }
}

function areSame(a: Artifacts, b: Artifacts): boolean {
  return a.size === b.size && [...a].every(([path, hashes]) => isSame(hashes, b.get(path) ?? {}))
}

function remarks(link: StepLink, step: Step, where: string): readonly Problem[] {
  const odd = oddPaths(link)
  const isOther =
    step.expectedCommand.length > 0 &&
    (link.command.length !== step.expectedCommand.length ||
      link.command.some((word, index) => word !== step.expectedCommand[index]))
  return [
    ...(isOther ? [otherCommand(link, step, where)] : []),
    ...(odd.length > 0 ? [oddPath(odd, step, where)] : []),
  ]
}

function tooFew(
  { name, threshold }: Step,
  where: string,
  found: { readonly isMissing: boolean; readonly notes: readonly string[]; readonly count: number },
): Problem {
  const more = found.notes.length > 4 ? ` and ${found.notes.length - 4} more` : ''
  const notes = found.notes.length === 0 ? '' : `: ${found.notes.slice(0, 4).join('; ')}${more}`
  return {
    code: found.isMissing ? 'LAYOUT_LINK_MISSING' : 'LAYOUT_THRESHOLD',
    where: `${where}: step ${quote(name, 100)}`,
    expected: `links by ${threshold} of its functionaries`,
    found: `${found.count} that count${notes}`,
    fix: `Have ${threshold === 1 ? 'a functionary' : `${threshold} functionaries`} of the step ${quote(name, 100)} do it and sign the link, and put the files among the links`,
  }
}

function disagree({ name }: Step, first: Report, other: Report, where: string): Problem {
  const paths = (report: Report) => ({ ...report.link })
  const path =
    differing(paths(first).materials, paths(other).materials) ??
    differing(paths(first).products, paths(other).products) ??
    ''
  return {
    code: 'LAYOUT_LINKS_DISAGREE',
    where: `${where}: step ${quote(name, 100)}`,
    expected: 'the same materials and products from all who did the step',
    found: `${quote(first.where, 100)} and ${quote(other.where, 100)} differ in ${quote(path, 200)}`,
    fix: `Find out who is right about ${quote(path, 200)}, and have the step done again`,
  }
}

function differing(a: Artifacts, b: Artifacts): string | undefined {
  const paths = [...new Set([...a.keys(), ...b.keys()])].sort()
  return paths.find((path) => !isSame(a.get(path) ?? {}, b.get(path) ?? {}))
}

function otherCommand(link: StepLink, { name, expectedCommand }: Step, where: string): Problem {
  return {
    code: 'LAYOUT_COMMAND',
    where: `${where}: step ${quote(name, 100)}`,
    expected: quote(expectedCommand.join(' '), 200),
    found: quote(link.command.join(' '), 200),
    fix: 'Ask the functionary why, if it was not to be expected; by itself it is no reason to refuse',
  }
}

function oddPath(paths: readonly string[], { name }: Step, where: string): Problem {
  return {
    code: 'LAYOUT_PATH',
    where: `${where}: step ${quote(name, 100)}`,
    expected:
      'paths in their one plain form: no empty part, ".", "..", backslash or invisible character',
    found: paths
      .slice(0, 3)
      .map((path) => quote(path, 120))
      .join(', '),
    fix: 'Record the step again with a tool that writes plain paths; rules compare paths letter by letter',
  }
}
