import { quote } from '#error'
import type { PipelineLint } from '../lint.ts'

export const runner: PipelineLint = {
  code: 'LINT_CI_RUNNER',
  severity: 'warning',
  entries: ['LNT-04'],
  why: 'What one build leaves on a machine that lives on is there for the next: a tool, a cache, a background process. One bad pull request owns every later release.',
  find: ({ runners }) =>
    runners.flatMap(({ at, labels }) => {
      const own = labels.some((label) => /^(?:self-hosted|shell)$/i.test(label))
      // A label is what its administrator says; a machine cannot be looked at from here.
      if (!own || labels.some((label) => /ephemeral|single-use|one-shot/i.test(label))) return []
      return [
        {
          where: at,
          expected:
            'machines that are made for one job, and a label that says so, such as "ephemeral"',
          found: labels.map((label) => quote(label, 60)).join(', '),
          fix: 'Register the runners as ephemeral, give them the label "ephemeral" and name it here, or use hosted runners',
        },
      ]
    }),
}
