// npm run fuzz -- [--runs N] [--seed S] [--target NAME] [--jobs N] [--from N]
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import type { Tally } from './run.ts'
import { targets } from './targets/index.ts'
import type { Job, Told } from './worker.ts'

/** An input that takes so long hangs. */
const hangSeconds = 20

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    target: { type: 'string', multiple: true, default: [] },
    jobs: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
  },
})
const [runs, seed, jobs, from] = [values.runs, values.seed, values.jobs, values.from].map(Number)
const names = targets
  .map(({ name }) => name)
  .filter((name) => values.target.length === 0 || values.target.some((one) => name.includes(one)))
if (names.length === 0 || [runs, seed, jobs, from].some((value) => !Number.isSafeInteger(value))) {
  process.stderr.write(
    `no such target or number; targets:\n${targets.map(({ name }) => name).join('\n')}\n`,
  )
  process.exit(2)
}

const started = performance.now()
let findings = 0
const perJob = Math.ceil((runs ?? 0) / (jobs ?? 1))
const results = await Promise.all(
  Array.from({ length: jobs ?? 1 }, (_, number) =>
    runJob({
      names,
      runs: perJob,
      seed: seed ?? 1,
      // Each job has other inputs, as if one had made them all.
      from: (from ?? 0) + number * perJob,
      place: new SharedArrayBuffer(8),
    }),
  ),
)
report(results.flat(), (performance.now() - started) / 1000)
process.exitCode = findings === 0 ? 0 : 1

async function runJob(job: Job): Promise<readonly Tally[]> {
  const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData: job })
  const place = new Int32Array(job.place)
  let last = ''
  const watch = setInterval(() => {
    const now = place.join(' ')
    if (now !== last) last = now
    else {
      findings += 1
      process.stdout.write(
        `HANG: --target ${job.names[place[0] ?? 0]} --seed ${job.seed} --from ${place[1]} --runs 1\n`,
      )
      void worker.terminate()
    }
  }, hangSeconds * 1000)
  let tallies: readonly Tally[] = []
  worker.on('message', (told: Told) => {
    if ('done' in told) tallies = told.done
    else {
      findings += 1
      process.stdout.write(`FINDING: ${told.finding.message}\n         ${told.finding.file}\n`)
    }
  })
  await once(worker, 'exit')
  clearInterval(watch)
  return tallies
}

function report(tallies: readonly Tally[], seconds: number): void {
  let all = 0
  for (const name of names) {
    const own = tallies.filter(({ target }) => target === name)
    const sum = (key: 'inputs' | 'accepted' | 'refused' | 'findings'): number =>
      own.reduce((total, tally) => total + tally[key], 0)
    const slowest = Math.max(...own.map((tally) => tally.slowest))
    all += sum('inputs')
    process.stdout.write(
      `${name.padEnd(34)} ${String(sum('inputs')).padStart(8)} inputs  ${String(sum('accepted')).padStart(8)} accepted  ${String(sum('refused')).padStart(8)} refused  ${sum('findings')} findings  slowest ${slowest.toFixed(1)} ms\n`,
    )
  }
  const rate = Math.round(all / seconds)
  process.stdout.write(
    `${all} inputs in ${seconds.toFixed(1)} s (${rate}/s), seed ${seed}, ${findings} different findings\n`,
  )
}
