import { quote } from '#error'
import type { PipelineLint } from '../lint.ts'
import { inBackground, swallows } from '../shell-text.ts'

const uploads =
  /\b(?:cosign\s+(?:attest|sign|attach|upload)\S*|oras\s+(?:attach|push)|rekor-cli\s+upload|gh\s+release\s+upload|notation\s+sign|sallyport\s+(?:approve|build)|npm\s+publish|twine\s+upload|docker\s+push|crane\s+push)\b/
const uploadingAction = /^(?:actions\/attest|slsa-framework\/|sigstore\/|actions\/upload-artifact)/

export const upload: PipelineLint = {
  code: 'LINT_CI_UPLOAD',
  severity: 'warning',
  entries: ['LNT-22'],
  why: 'An artifact whose evidence did not arrive is refused later, somewhere else, by somebody who does not know why. Who is in a hurry then loosens the policy.',
  find: ({ steps }) =>
    steps.flatMap(({ at, run, uses, tolerated }) => {
      const command = uploads.exec(run)?.[0] ?? (uploadingAction.test(uses) ? uses : undefined)
      const how =
        tolerated ?? swallows(run, uploads) ?? (inBackground(run, uploads) ? '"&"' : undefined)
      if (command === undefined || how === undefined) return []
      return [
        {
          where: at(run === '' ? 'uses' : 'run'),
          expected: 'an upload that is waited for, and that fails the pipeline when it fails',
          found: `${quote(command.replace(/\s+/g, ' '), 80)} with ${how}`,
          fix: `Remove ${how}, so that nothing is released without its evidence`,
        },
      ]
    }),
}
