// Admission over TLS with a review of 10 KB: every decision durable in the log before it is answered, beside a TLS echo of
// the same bytes. The load comes from another process, on connections that are kept, as an API server keeps them.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeAuthority } from '../test/server/certificates.ts'
import { makeHome, review, startOutside, type GateHome } from '../test/server/gate.ts'
import { milliseconds, perSecond, print, type Row } from './report.ts'
import type { Load, Measured } from './admission-load.ts'

const tlsConfig = `
serve: {port: 0, tls: {certificate: tls/server.crt, key: tls/server.key}, limits: {concurrent: 2048}}
`
const paddingBytes = 9_500
const seconds = 4
const root = mkdtempSync(join(tmpdir(), 'sallyport-bench-admission-'))
const home = await makeHome(tlsConfig, root)
const folder = join(home.folder, 'tls')
mkdirSync(folder)
const authority = makeAuthority(folder)
const pair = authority.issue('server', 'gate')
try {
  print(
    'Admission over TLS, 10 KB AdmissionReview, embedded store, log durability on',
    await rows(),
  )
} finally {
  home.close()
  rmSync(root, { recursive: true, force: true })
}

async function rows(): Promise<readonly Row[]> {
  const gate = await startOutside(home)
  const echo = await startEcho()
  const rows: Row[] = []
  try {
    for (const count of [1, 100, 10_000])
      rows.push(...(await rowsOf(gate.address, echo.address, count)))
  } finally {
    echo.close()
    gate.child.kill('SIGTERM')
    await gate.ended
  }
  return rows
}

async function rowsOf(gate: string, echo: string, count: number): Promise<readonly Row[]> {
  const bodies = reviewsOf(home, count)
  const what = `${count.toLocaleString('en')} ${count === 1 ? 'image' : 'images'}`
  const part = count > 1000 ? `1,000 of ${what}` : what
  const rows: Row[] = []
  // Each image once: nothing is remembered, every place is asked, every signature is verified.
  if (count > 1)
    rows.push(
      await row(
        `${what}, cold (at most 2,000 of them)`,
        { gate, echo },
        { bodies, total: Math.min(count, 2000) },
      ),
    )
  const warm = { bodies: bodies.slice(0, 1000) }
  rows.push(await row(`${part}, warm, as fast as it goes`, { gate, echo }, { ...warm, seconds }))
  rows.push({
    ...(await row(`${part}, warm, 1,000/s`, { gate, echo }, { ...warm, seconds, rate: 1000 })),
    bar: 'p99 <= 10 ms',
  })
  return rows
}

async function row(
  what: string,
  { gate, echo }: { readonly gate: string; readonly echo: string },
  load: Omit<Load, 'address' | 'ca'>,
): Promise<Row> {
  const ca = readFileSync(authority.certificate, 'utf8')
  const limit = await measure({ ...load, address: echo, ca })
  const ours = await measure({ ...load, address: gate, ca, expect: '"allowed":true' })
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

async function measure(load: Load): Promise<Measured> {
  const child = fork(new URL('./admission-load.ts', import.meta.url), { stdio: 'inherit' })
  child.send(load)
  const [measured] = (await once(child, 'message')) as [Measured]
  await once(child, 'close')
  return measured
}

async function startEcho() {
  const tls = { cert: readFileSync(pair.certificate), key: readFileSync(pair.key) }
  const server = createServer(tls, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => response.end(Buffer.concat(chunks)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    address: `https://127.0.0.1:${port}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
