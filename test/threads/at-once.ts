// Several threads that do the same at the same instant, round after round: what two processes do once in a thousand starts.
import type { TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'

const count = 3

/** The instant of a round is when the last thread has come to it. */
const scriptOf = (work: string): string => `
  const { workerData: { module, folder, rounds, count, meeting }, parentPort } = require('node:worker_threads')
  const waiting = new Int32Array(meeting)
  const work = ${work}
  import(module).then((imported) => {
    let sum = 0
    for (let round = 0; round < rounds; round += 1) {
      sum += work(imported, folder + '/' + round + '.db', () => {
        Atomics.add(waiting, 0, 1)
        while (Atomics.load(waiting, 0) < count * (round + 1));
      })
    }
    parentPort.postMessage(sum)
  })`

/**
 * Runs `work`, the text of a function of what `module` exports, of a path in `folder` for each round, and of a function that
 * waits for the others. It gives a number; the sum of all of them is given here.
 *
 * @throws whatever `work` throws in any thread
 */
export async function atOnce(
  t: TestContext,
  options: { readonly module: URL; readonly folder: string; readonly rounds: number },
  work: string,
): Promise<number> {
  const { module, ...more } = options
  const meeting = new SharedArrayBuffer(4)
  const workerData = { ...more, module: module.href, count, meeting }
  const threads = Array.from(
    { length: count },
    () => new Worker(scriptOf(work), { eval: true, workerData }),
  )
  t.after(() => Promise.all(threads.map((thread) => thread.terminate())))
  const sums = await Promise.all(
    threads.map(
      (thread) =>
        new Promise<number>((resolve, reject) =>
          thread.once('error', reject).once('message', resolve),
        ),
    ),
  )
  return sums.reduce((total, one) => total + one, 0)
}
