// The cold start of `sallyport verify` beside `cosign verify-blob-attestation`, in turn, on the same bundle. Sallyport
// decides under a policy and records the decision durably in its log; cosign verifies.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cosign } from '../test/peers/cosign.ts'
import { signedArtifact } from '../test/peers/signed-artifact.ts'
import { nodeStart, percentile } from './machine.ts'
import { milliseconds, print, type Row } from './report.ts'

const rounds = 7
const policyText = `apiVersion: sallyport.dev/v1
kind: DeploymentPolicy
metadata: {name: bench, owner: bench}
targets: [{environment: bench, service: shop}]
require:
  - signed: {by: [builder]}
`
const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-command-'))
const home = join(folder, 'home')
const main = join(process.cwd(), 'src/cli/main.ts')
try {
  using signed = signedArtifact()
  run(process.execPath, [main, 'init', '--home', home])
  const trust = write('trust.yaml', trustText(readFileSync(signed.publicKeyFile, 'utf8')))
  const policy = write('policy.yaml', policyText)
  const target = ['--environment', 'bench', '--service', 'shop', '--home', home]
  const ours = [main, 'verify', signed.artifact, ...target, '--policy', policy, '--trust', trust]
  const theirs = ['verify-blob-attestation', '--bundle', signed.bundleFile, '--key']
    .concat(signed.publicKeyFile, '--type', 'slsaprovenance1', '--insecure-ignore-tlog')
    .concat(signed.artifact)
  print('Command line, cold start, the same bundle', rowsOf(ours, theirs))
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function rowsOf(ours: readonly string[], theirs: readonly string[]): readonly Row[] {
  const [own, other] = inTurn(ours, theirs)
  const limit = `node starts in ${milliseconds(nodeStart())}`
  const bar = 'not slower than cosign'
  const rows = [{ what: 'sallyport verify, recorded in the log', ours: textOf(own), limit, bar }]
  if ('reason' in cosign)
    return [...rows, { what: 'cosign', ours: `not measured: ${cosign.reason}`, limit }]
  const ratio = `${(own.wall / other.wall).toFixed(2)} x the time, ${(own.processor / other.processor).toFixed(2)} x the processor time`
  return [
    ...rows,
    { what: 'cosign verify-blob-attestation', ours: textOf(other), limit: `ours is ${ratio}` },
  ]
}

/** Milliseconds from start to end, and of processor time with all children: the medians. */
interface Taken {
  readonly wall: number
  readonly processor: number
}

/** In turn, so that a machine that is busy is busy for both. */
function inTurn(ours: readonly string[], theirs: readonly string[]): readonly [Taken, Taken] {
  const own: Taken[] = []
  const other: Taken[] = []
  for (let round = 0; round <= rounds; round += 1) {
    own.push(timed(process.execPath, ours))
    if ('path' in cosign) other.push(timed(cosign.path, theirs))
  }
  // The first of each fills the caches of the disk and of compiled code.
  return [medianOf(own.slice(1)), medianOf(other.slice(1))]
}

function medianOf(all: readonly Taken[]): Taken {
  return {
    wall: percentile(
      all.map(({ wall }) => wall),
      50,
    ),
    processor: percentile(
      all.map(({ processor }) => processor),
      50,
    ),
  }
}

/** Runs a program under a shell that tells what it and its children took. */
function timed(program: string, args: readonly string[]): Taken {
  const started = performance.now()
  const script = 'TIMEFORMAT="%U %S"; time "$@" > /dev/null 2> /dev/null || exit 1'
  const ended = spawnSync('bash', ['-c', script, 'bash', program, ...args], { encoding: 'utf8' })
  const wall = performance.now() - started
  if (ended.status !== 0)
    throw new Error(`${program} ${args.join(' ')}: ended with ${ended.status}`)
  const [user = 0, system = 0] = ended.stderr.trim().split(/\s+/).map(Number)
  return { wall, processor: (user + system) * 1000 }
}

function textOf({ wall, processor }: Taken): string {
  return `${milliseconds(wall)}, of the processor ${milliseconds(processor)}`
}

function write(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

function run(program: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8', cwd: process.cwd() })
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr}`)
}

function trustText(publicKey: string): string {
  return JSON.stringify({
    apiVersion: 'sallyport.dev/v1',
    kind: 'Trust',
    metadata: { name: 'bench', owner: 'bench' },
    signers: {
      builder: {
        keys: [{ publicKey, validFrom: '2020-01-01T00:00:00Z' }],
        predicateTypes: ['https://slsa.dev/provenance/v1'],
        builders: [{ id: 'https://sallyport.dev/builders/workstation-measured/v1', level: 1 }],
      },
    },
  })
}
