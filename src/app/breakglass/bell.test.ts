import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeEvent } from '#breakglass'
import { loadConfig } from '#config'
import { mailServer } from '../../events/testing/mail-server.ts'
import { initHome } from '../init/init.ts'
import { bellOf } from './bell.ts'

const now = new Date()

test('of many who hear by mail each is told, also when the server refuses another one', async (t) => {
  using server = await mailServer({ 'RCPT TO:<gone@example.com>': '550 nobody here' })
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bell-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const home = join(folder, 'home')
  await initHome({ home, cwd: folder, env: {}, now, repository: 'https://git.example/a/b' })
  const to = '[a@example.com, gone@example.com, b@example.com, a@example.com]'
  const sink = `{host: 127.0.0.1, port: ${server.port}, tls: 'off', from: gate@example.com, to: ${to}}`
  appendFileSync(join(home, 'sallyport.yaml'), `alarms: {smtp: [${sink}]}\n`)
  const bell = bellOf(loadConfig({ home, cwd: folder, env: {} }), () => now)
  const event = makeEvent('1', {
    time: now.toISOString(),
    type: 'breakglass-used',
    severity: 'critical',
    origin: 'log.example',
    summary: 'BREAKGLASS: shop',
  })
  await bell.ring([event])
  await bell.deliver()
  const { said } = server
  const asked = said.filter((line) => line.startsWith('RCPT')).sort()
  assert.deepEqual(asked, [
    'RCPT TO:<a@example.com>',
    'RCPT TO:<b@example.com>',
    'RCPT TO:<gone@example.com>',
  ])
  assert.equal(said.filter((line) => line === '.').length, 2)
  const waiting = await bell.pending()
  assert.deepEqual(
    waiting.map(({ sink, failure }) => [sink.split(' ').at(-1), failure]),
    [['gone@example.com', 'the server said "550 nobody here"']],
  )
})
