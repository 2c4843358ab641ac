import { install, type Tool } from './tool-cache.ts'

export const opaVersion = 'v1.22.0'

/** Open Policy Agent, built from its source where Go's module proxy can be reached; or why it is not here. */
export const opa: Tool = install({
  name: `opa-${opaVersion}`,
  file: 'opa',
  commands: [['go', 'install', `github.com/open-policy-agent/opa@${opaVersion}`]],
  env: { GOBIN: '$FOLDER', GOFLAGS: '-buildvcs=false', CGO_ENABLED: '0' },
  timeoutMinutes: 20,
})
