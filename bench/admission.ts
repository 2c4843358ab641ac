// Admission over TLS with a review of 10 KB: every decision durable in the log before it is answered, beside a TLS echo of
// the same bytes and, where the bar is, one that answers when 4 KiB are on the disk. The load comes from another process, on connections that are kept, as an API server keeps them.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { whyNoPostgres } from '../test/postgres/cluster.ts'
import { makeAuthority } from '../test/server/certificates.ts'
import { startEcho } from '../test/server/echo.ts'
import { makeHome, review, startOutside, type GateHome } from '../test/server/gate.ts'
import { startAgedCluster } from './aged-cluster.ts'
import { openDurableWrites } from './durable-writes.ts'
import { measureLoad } from './measure-load.ts'
import { milliseconds, perSecond, print, type Row } from './report.ts'
import type { Load, Measured } from './admission-load.ts'

const tlsConfig = `
serve: {port: 0, tls: {certificate: tls/server.crt, key: tls/server.key}, limits: {concurrent: 2048}}
`
const paddingBytes = 9_500
const seconds = 4
/** Longer, so that what happens once in a few seconds, as a collection of V8, counts for what it is. */
const rated = { rate: 1000, seconds: 10 }
/** For so long V8 goes on compiling what a gate does a thousand times a second. */
const settleSeconds = 25
/** Enough that each is asked about once: 300 before, 10 s to get warm, and 10 s that count. */
const coldUntil = 5000
/** As `npm start` and the image start it. */
const execArgv = ['--max-semi-space-size=32', '--v8-pool-size=1']
const title = 'Admission over TLS, 10 KB AdmissionReview, log durability on'
await inFolder(async (root) => print(`${title}, embedded store`, await rows(root, '')))
const why = whyNoPostgres()
if (why === undefined) await inFolder(overPostgres)
else process.stdout.write(`${title}, PostgreSQL: ${why}\n`)

async function overPostgres(root: string): Promise<void> {
  const cluster = await startAgedCluster()
  try {
    await cluster.database('gate')
    const host = encodeURIComponent(cluster.folder)
    const url = `postgresql://admin@${host}:${cluster.port}/gate`
    print(
      `${title}, PostgreSQL on this machine`,
      await rows(root, `store: {postgres: {url: '${url}'}}\n`),
    )
  } finally {
    await cluster.stop()
  }
}

async function inFolder(work: (root: string) => Promise<void>): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'sallyport-bench-admission-'))
  try {
    await work(root)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/** A gate, echoes with the same certificate, and what is asked of all. */
interface Pair {
  readonly home: GateHome
  readonly ca: string
  readonly gate: string
  readonly echo: string
  readonly durableEcho: string
}

async function rows(root: string, store: string): Promise<readonly Row[]> {
  const home = await makeHome(`${tlsConfig}${store}`, root)
  const folder = join(home.folder, 'tls')
  mkdirSync(folder)
  const authority = makeAuthority(folder)
  const { certificate, key } = authority.issue('server', 'gate')
  const gate = await startOutside(home, execArgv)
  const tls = { cert: readFileSync(certificate), key: readFileSync(key) }
  const echo = await startEcho(tls)
  const disk = await openDurableWrites(join(root, 'durable-writes'))
  const durable = await startEcho(tls, async () => disk.write())
  const ca = readFileSync(authority.certificate, 'utf8')
  const pair = { home, ca, gate: gate.address, echo: echo.address, durableEcho: durable.address }
  const rows: Row[] = []
  try {
    const settling = { bodies: reviewsOf(home, 10), rate: rated.rate, seconds: settleSeconds }
    await measureLoad({ ...settling, address: gate.address, ca })
    for (const count of [1, 100, 10_000]) rows.push(...(await rowsOf(pair, count)))
  } finally {
    echo.close()
    durable.close()
    await disk.close()
    gate.child.kill('SIGTERM')
    await gate.ended
    await home.close()
  }
  return rows
}

async function rowsOf(pair: Pair, count: number): Promise<readonly Row[]> {
  const bodies = reviewsOf(pair.home, count)
  const what = `${count.toLocaleString('en')} ${count === 1 ? 'image' : 'images'}`
  const part = count > 1000 ? `1,000 of ${what}` : what
  const rows: Row[] = []
  // Each image once: nothing is remembered, every place is asked, every signature is verified.
  if (count > 1)
    rows.push(
      await row(`${what}, cold (at most 2,000 of them)`, pair, {
        bodies,
        total: Math.min(count, 2000),
      }),
    )
  if (count > coldUntil)
    rows.push({
      ...(await row(`${what}, cold, 100/s`, pair, {
        bodies: bodies.slice(2000, coldUntil),
        rate: 100,
        seconds: 10,
      })),
      bar: 'p99 < 100 ms',
    })
  const warm = { bodies: bodies.slice(0, 1000) }
  rows.push(await row(`${part}, warm, as fast as it goes`, pair, { ...warm, seconds }))
  const atRate = await row(`${part}, warm, 1,000/s`, pair, { ...warm, ...rated })
  const { ca, durableEcho: address } = pair
  const durable = await measureLoad({ ...warm, ...rated, address, ca })
  const limit = `${atRate.limit}; with 4 KiB on the disk ${told(durable)}`
  rows.push({ ...atRate, limit, bar: 'p99 <= 10 ms' })
  return rows
}

async function row(
  what: string,
  { gate, echo, ca }: Pair,
  load: Omit<Load, 'address' | 'ca'>,
): Promise<Row> {
  const limit = await measureLoad({ ...load, address: echo, ca })
  const ours = await measureLoad({ ...load, address: gate, ca, expect: '"allowed":true' })
  return { what, ours: told(ours), limit: `TLS echo ${told(limit)}` }
}

function told({ rate, p50, p99, failed }: Measured): string {
  const wrong = failed === 0 ? '' : `, ${failed} failed`
  return `${perSecond(rate)}, p50 ${milliseconds(p50)}, p99 ${milliseconds(p99)}${wrong}`
}

function reviewsOf(home: GateHome, count: number): readonly string[] {
  return Array.from({ length: count }, () =>
    review(home.image(home.approve()), { padding: paddingBytes }),
  )
}
