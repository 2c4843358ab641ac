import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256Hex } from '#document'
import { install, type Tool } from './tool-cache.ts'

const source = join(import.meta.dirname, 'omniwitness-go')
const files = ['go.mod', 'go.sum', 'main.go', 'proof/subtree.go', 'serverless-log/go.mod']
const version = sha256Hex(files.map((file) => readFileSync(join(source, file), 'utf8')).join())
const merkle = 'github.com/transparency-dev/merkle@v0.0.2'
const program = (name: string): readonly [string, ...string[]] => [
  'go',
  '-C',
  '$FOLDER/source',
  'build',
  '-p',
  '1',
  '-trimpath',
  '-o',
  `$FOLDER/${name}`,
  `github.com/transparency-dev/witness/cmd/${name}`,
]

/** The folder with `omniwitness` and `generate_keys`, the stock witness and its keys; or why they cannot be had here. */
export function stockWitness(): Tool {
  return install({
    name: `omniwitness-${version.slice(0, 16)}`,
    file: '.',
    commands: [
      ['cp', '-r', source, '$FOLDER/source'],
      ['go', 'mod', 'download', merkle],
      [
        'sh',
        '-euc',
        'cd "$0"; cp -r "$(go env GOMODCACHE)/$1" merkle; chmod -R u+w merkle; cp proof/subtree.go merkle/proof/',
        '$FOLDER/source',
        merkle,
      ],
      program('omniwitness'),
      program('generate_keys'),
    ],
    env: { GOFLAGS: '-buildvcs=false -mod=readonly', CGO_ENABLED: '0' },
    timeoutMinutes: 20,
  })
}
