import { install, type Tool } from './tool-cache.ts'

const version = 'v3.1.3'

/** cosign, built from its source where Go's module proxy can be reached; or why it is not here. */
export const cosign: Tool = install({
  name: `cosign-${version}`,
  file: 'cosign',
  commands: [['go', 'install', `github.com/sigstore/cosign/v3/cmd/cosign@${version}`]],
  env: { GOBIN: '$FOLDER', GOFLAGS: '-buildvcs=false', CGO_ENABLED: '0' },
  timeoutMinutes: 30,
})
