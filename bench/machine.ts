// What this machine can do at all, measured in the same run: every number of ours stands beside one of these.
import { spawnSync } from 'node:child_process'
import { generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto'
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** ECDSA P-256 verifications of a 4 KiB message per second, one thread. */
export function rawVerifications(milliseconds = 700): number {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const message = randomBytes(4096)
  const signature = sign('sha256', message, privateKey)
  return rate(milliseconds, () => verify('sha256', message, publicKey, signature))
}

/** Writes of 4 KiB made durable per second, one after the other, and their median in milliseconds. */
export function rawSyncs(milliseconds = 700): { readonly perSecond: number; readonly p50: number } {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-'))
  const file = openSync(join(folder, 'sync'), 'w')
  const block = randomBytes(4096)
  const times: number[] = []
  const perSecond = rate(milliseconds, () => {
    const started = performance.now()
    writeSync(file, block, 0, block.length, 0)
    fdatasyncSync(file)
    times.push(performance.now() - started)
  })
  closeSync(file)
  rmSync(folder, { recursive: true })
  return { perSecond, p50: percentile(times, 50) }
}

/** Milliseconds to start Node and do nothing: the median of several starts. */
export function nodeStart(runs = 7): number {
  return startOf(['-e', '0'], runs)
}

/** Milliseconds from start to end of a Node program: the median of several runs after one that does not count. */
export function startOf(args: readonly string[], runs = 7, cwd = process.cwd()): number {
  const times = Array.from({ length: runs + 1 }, () => {
    const started = performance.now()
    const ended = spawnSync(process.execPath, args, { stdio: 'ignore', cwd })
    if (ended.error !== undefined) throw ended.error
    return performance.now() - started
  })
  return percentile(times.slice(1), 50)
}

/** Calls per second. */
export function rate(milliseconds: number, call: () => void): number {
  const started = performance.now()
  let calls = 0
  while (performance.now() - started < milliseconds) {
    call()
    calls += 1
  }
  return (calls * 1000) / (performance.now() - started)
}

export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return (
    sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN
  )
}
