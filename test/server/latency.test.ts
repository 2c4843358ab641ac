import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { request } from 'node:https'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Measured } from '../../bench/admission-load.ts'
import { measureLoad } from '../../bench/measure-load.ts'
import { milliseconds } from '../../bench/report.ts'
import { makeAuthority } from './certificates.ts'
import { startEcho } from './echo.ts'
import { makeHome, review, startOutside } from './gate.ts'

const config = `
serve: {port: 0, open: {metrics: true}, tls: {certificate: tls/server.crt, key: tls/server.key}}
`
const images = 50
const rate = 50
const seconds = 4

// The number is measured on every change and printed, and never tested: a busy machine is no defect. What is tested is that
// every answer was right, and that the metric has counted all of them.
test('admission is measured: real reviews over TLS, real signatures and digests, each decision durable before its answer', async (t) => {
  const home = await makeHome(config)
  t.after(() => home.close())
  const folder = join(home.folder, 'tls')
  mkdirSync(folder)
  const authority = makeAuthority(folder)
  const { certificate, key } = authority.issue('server', 'gate')
  const gate = await startOutside(home)
  const echo = await startEcho({ cert: readFileSync(certificate), key: readFileSync(key) })
  t.after(() => echo.close())
  const ca = readFileSync(authority.certificate, 'utf8')
  const bodies = Array.from({ length: images }, () =>
    review(home.image(home.approve()), { padding: 9_500 }),
  )
  const limit = await measureLoad({ address: echo.address, ca, bodies, rate, seconds })
  const expect = '"allowed":true'
  // Each image once: its evidence is fetched, its signatures are verified.
  const once = { total: images, rate: images, seconds: 1 }
  const cold = await measureLoad({ address: gate.address, ca, bodies, ...once, expect })
  const warm = await measureLoad({ address: gate.address, ca, bodies, rate, seconds, expect })
  for (const one of [limit, cold, warm]) assert.equal(one.failed, 0)
  for (const { p50, p99, rate } of [limit, cold, warm])
    assert.ok(p50 > 0 && p99 >= p50 && rate > 0, 'nothing was measured')
  const bad = review(home.image('ef'.repeat(32)))
  const refused = await measureLoad({
    address: gate.address,
    ca,
    bodies: [bad],
    total: 5,
    expect: '"allowed":false',
  })
  assert.equal(refused.failed, 0, 'what nobody has approved is refused under the same load')
  const { within, count } = await histogram(gate.address, ca)
  assert.ok(count >= images + rate * seconds, `the metric has ${count}`)
  const busy = `${cpus().length} cores, load ${(loadavg()[0] ?? 0).toFixed(1)}`
  t.diagnostic(
    `measured: admission, ${rate}/s, warm: ${told(warm)}; cold: ${told(cold)}; TLS echo: ${told(limit)}; sallyport_request_seconds: ${within} of ${count} within 100 ms (${busy})`,
  )
})

function told({ p50, p99 }: Measured): string {
  return `p50 ${milliseconds(p50)}, p99 ${milliseconds(p99)}`
}

/** What the metric says about admission, as Prometheus would read it. */
async function histogram(address: string, ca: string) {
  const text = await new Promise<string>((done, fail) => {
    const asking = request(new URL('/metrics', address), { ca, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => done(text))
    })
    asking.on('error', fail)
    asking.end()
  })
  const value = (name: string): number =>
    Number(
      new RegExp(
        `^sallyport_request_seconds_${name},?route="/admission/validate",status="200"\\} (\\d+)$`,
        'm',
      ).exec(text)?.[1],
    )
  return { within: value('bucket\\{le="0.1"'), count: value('count\\{') }
}
