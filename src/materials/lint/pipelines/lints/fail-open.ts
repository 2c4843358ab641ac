import { quote } from '#error'
import type { PipelineLint } from '../lint.ts'
import { swallows } from '../shell-text.ts'

/** Commands and actions whose only use is their exit code. */
const verifies =
  /\b(?:sallyport\s+(?:verify|gate|policy\s+(?:check|test)|log\s+verify|rebuild)|cosign\s+verify\S*|slsa-verifier\s+verify\S*|gh\s+attestation\s+verify|npm\s+audit(?:\s+signatures)?|notation\s+verify|witness\s+verify|ampel\s+verify|ec\s+validate|gpgv?\s+(?:\S+\s+){0,10}--verify|sha(?:256|512)sum\s+(?:\S+\s+){0,10}(?:-c|--check)|grype|trivy|osv-scanner)\b/
const verifyingAction =
  /^[^@]*(?:sallyport|deploy\/github|verif|scorecard|dependency-review|trivy|grype|osv-scanner)/i

export const failOpen: PipelineLint = {
  code: 'LINT_CI_FAIL_OPEN',
  severity: 'warning',
  entries: ['LNT-03'],
  why: 'The step verifies, says no, and the pipeline goes on. It protects nothing, and looks as if it did.',
  find: ({ steps }) =>
    steps.flatMap(({ at, run, uses, tolerated }) => {
      const command = verifies.exec(run)?.[0] ?? (verifyingAction.test(uses) ? uses : undefined)
      const how = tolerated ?? swallows(run, verifies)
      if (command === undefined || how === undefined) return []
      return [
        {
          where: at(run === '' ? 'uses' : 'run'),
          expected: 'a pipeline that stops when a verification fails',
          found: `${quote(command.replace(/\s+/g, ' '), 80)} with ${how}`,
          fix: `Remove ${how}; if a failure may be let through for a while, write an exemption into the policy`,
        },
      ]
    }),
}
