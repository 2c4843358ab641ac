import type { JsonObject } from '#document'
import type { LintFinding, Severity } from '#policy'
import { excerpt } from '../../excerpt.ts'
import { plural, renderProblem, type Look } from '../../render.ts'
import { problemJson } from '../../run.ts'

/** Whether a finding lets a check fail. */
export function isFailing(strict: boolean): (finding: LintFinding) => boolean {
  return ({ severity }) => severity === 'error' || (strict && severity === 'warning')
}

/** `1 error, 2 warnings, 0 notes` */
export function countsOf(findings: readonly LintFinding[]): string {
  const count = (severity: Severity): string => {
    const found = findings.filter((one) => one.severity === severity).length
    return `${found} ${plural(found, severity)}`
  }
  return [count('error'), count('warning'), count('note')].join(', ')
}

export function findingJson({ severity, ...problem }: LintFinding): JsonObject {
  return { severity, ...problemJson(problem) }
}

/** Each finding with the line of the file that it is about. */
export function findingTexts(
  findings: readonly LintFinding[],
  sources: ReadonlyMap<string, string>,
  look: Look,
): readonly string[] {
  return findings.map(({ severity, ...problem }) => {
    const [, file = '', line, column] = /^(.*?):(\d+):(\d+)/s.exec(problem.where ?? '') ?? []
    const source = sources.get(file)
    const lines =
      source === undefined
        ? []
        : excerpt(source, { line: Number(line), column: Number(column) }, look.paint)
    return renderProblem(problem, look, severity, lines)
  })
}
