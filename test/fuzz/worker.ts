// One of the jobs: a thread with its own share of the inputs, which tells what it is doing in memory that it shares.
import { parentPort, workerData } from 'node:worker_threads'
import { writeFinding } from './findings.ts'
import { minimise } from './minimise.ts'
import { run, type Found, type Tally } from './run.ts'
import { targets } from './targets/index.ts'

/** What a job is told. */
export interface Job {
  readonly names: readonly string[]
  readonly runs: number
  readonly seed: number
  readonly from: number
  /** Number of the target and of the input that is being looked at. */
  readonly place: SharedArrayBuffer
}

/** What a job tells: a finding, or that it is done. */
export type Told =
  | { readonly finding: { readonly file: string; readonly message: string } }
  | { readonly done: readonly Tally[] }

const job = workerData as Job
const place = new Int32Array(job.place)
const wanted = targets.filter(({ name }) => job.names.includes(name))
const seen = new Set<string>()
const found: Found[] = []
const tell = (told: Told): void => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  parentPort?.postMessage(told)
}

const tallies = await run({
  targets: wanted,
  runs: job.runs,
  seed: job.seed,
  from: job.from,
  onInput: (target, index) => {
    place[0] = target
    place[1] = index
  },
  onFinding: (finding) => {
    const key = `${finding.target.name} ${finding.outcome.message.replaceAll(/\d+/g, '')}`
    if (seen.has(key) || seen.size > 200) return
    seen.add(key)
    found.push(finding)
  },
})
for (const finding of found) {
  const file = writeFinding(finding, await minimise(finding))
  tell({ finding: { file, message: finding.outcome.message } })
}
tell({ done: tallies })
