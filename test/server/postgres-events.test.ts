import assert from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventTypePrefix } from '#api'
import { startCluster, whyNoPostgres } from '../postgres/cluster.ts'
import { startInside, until } from './gate.ts'
import { makePostgresHome } from './postgres-gate.ts'
import { startWebhook } from './receivers.ts'

const skip = whyNoPostgres() ?? false

test(
  'while the database of the log is away, that leaves at once, and the decisions when they have come out of the spool: all, in order',
  { skip },
  async (t) => {
    const cluster = await startCluster()
    t.after(() => cluster.stop())
    const webhook = await startWebhook()
    t.after(() => webhook.close())
    const home = await makePostgresHome(cluster)
    const url = `http://127.0.0.1:${webhook.port}/`
    const sink = `{name: hook, minimumSeverity: info, webhook: {url: '${url}'}}`
    appendFileSync(join(home.folder, 'sallyport.yaml'), `events: {sinks: [${sink}]}\n`)
    const gate = await startInside(home)
    t.after(() => home.close())
    const names = (): readonly string[] =>
      webhook.events.map(({ type }) => type.slice(eventTypePrefix.length))
    const asked: string[] = []
    const ask = async (): Promise<string | undefined> => {
      const { allowed, user, place, text } = await home.ask(gate.address, image)
      assert.equal(allowed, true, text)
      asked.push(user)
      return place
    }
    const image = home.image(home.approve())
    for (let at = 0; at < 5; at += 1) await ask()
    await cluster.halt('fast')
    await until('the spool is used', async () => (await ask()) === 'spooled')
    for (let at = 0; at < 5; at += 1) await ask()
    await until('that it is', () => names().includes('alarm.log-spooled'))
    await until('a warning', () =>
      webhook.events.some(({ data }) => data.problem?.code === 'LOG_SPOOLING'),
    )
    await cluster.start()
    const decisions = () => webhook.events.filter(({ data }) => data.verdict !== undefined)
    await until('all', () => decisions().length >= asked.length)
    assert.deepEqual(
      decisions().map(({ data }) => data.requester),
      asked.map((user) => `unauthenticated:${user}`),
    )
    assert.deepEqual(
      decisions().map(({ data }) => data.proof?.entry),
      asked.map((_, at) => at),
    )
    await until('it is over', () => names().includes('gate.recovered'))
  },
)
