import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256Hex } from '#document'
import { install, type Tool } from '../peers/tool-cache.ts'

const source = join(import.meta.dirname, 'cluster')

/**
 * kube-apiserver, etcd and kubectl as their makers wrote them, made from Go modules at the versions in go.sum and kept
 * outside the tree; or why they cannot be had here. The first time takes a quarter of an hour on two cores.
 */
export function kubernetesBinaries(): Tool {
  return built('kubernetes', ['kube-apiserver', 'etcd', 'kubectl'])
}

/** kube-controller-manager in the same way, for the tests in which workloads get their pods. */
export function controllerManager(): Tool {
  return built('kube-controller-manager', ['kube-controller-manager'])
}

function built(name: string, mains: readonly string[]): Tool {
  const files = ['go.mod', 'go.sum', ...mains.map((name) => `${name}/main.go`)]
  const version = sha256Hex(files.map((file) => readFileSync(join(source, file), 'utf8')).join())
  return install({
    name: `${name}-1.34.3-${version.slice(0, 16)}`,
    file: '.',
    commands: mains.map((main) => [
      'go',
      '-C',
      source,
      'build',
      '-p',
      '1',
      '-trimpath',
      '-ldflags=-s -w',
      '-o',
      `$FOLDER/${main}`,
      `./${main}`,
    ]),
    env: { GOFLAGS: '-buildvcs=false -mod=readonly', CGO_ENABLED: '0' },
    timeoutMinutes: 25,
  })
}
