import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256Hex } from '#document'
import { install, type Tool } from '../peers/tool-cache.ts'

const source = join(import.meta.dirname, 'cluster')
const mains = ['kube-apiserver', 'etcd', 'kubectl']

/**
 * kube-apiserver, etcd and kubectl as their makers wrote them, made from Go modules at the versions in go.sum and kept
 * outside the tree; or why they cannot be had here. The first time takes a quarter of an hour on two cores.
 */
export function kubernetesBinaries(): Tool {
  const files = ['go.mod', 'go.sum', ...mains.map((name) => `${name}/main.go`)]
  const version = sha256Hex(files.map((file) => readFileSync(join(source, file), 'utf8')).join())
  return install({
    name: `kubernetes-1.34.3-${version.slice(0, 16)}`,
    file: '.',
    commands: mains.map((name) => [
      'go',
      '-C',
      source,
      'build',
      '-p',
      '1',
      '-trimpath',
      '-ldflags=-s -w',
      '-o',
      `$FOLDER/${name}`,
      `./${name}`,
    ]),
    env: { GOFLAGS: '-buildvcs=false -mod=readonly', CGO_ENABLED: '0' },
    timeoutMinutes: 25,
  })
}
