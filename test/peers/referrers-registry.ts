import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256Hex } from '#document'
import { install, type Tool } from './tool-cache.ts'

// Made from google/go-containerregistry at the version in go.sum.
const source = join(import.meta.dirname, 'registry-go')
const version = sha256Hex(
  ['main.go', 'go.mod', 'go.sum'].map((file) => readFileSync(join(source, file), 'utf8')).join(),
)

/** A registry with the referrers API, which Debian's docker-registry has not; or why it is not here. */
export const referrersRegistry: Tool = install({
  name: `registry-go-${version.slice(0, 16)}`,
  file: 'registry-go',
  commands: [
    ['go', '-C', source, 'mod', 'download'],
    ['go', '-C', source, 'build', '-o', '$FOLDER/registry-go', '.'],
  ],
  env: { GOFLAGS: '-buildvcs=false -mod=readonly', CGO_ENABLED: '0' },
  timeoutMinutes: 10,
})

/** Starts it, with nothing in it. */
export async function startReferrersRegistry(
  path: string,
): Promise<{ readonly base: string; readonly stop: () => Promise<unknown> }> {
  const child = spawn(path, { stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = once(child, 'exit')
  const [address] = (await once(child.stdout, 'data')) as [Buffer]
  const stop = (): Promise<unknown> => {
    child.kill()
    return ended
  }
  return { base: `http://${address.toString().trim()}`, stop }
}
