import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { readSpool } from '#log'
import { openFileSpool } from '#store'
import { startCluster, whyNoPostgres, type Cluster } from '../postgres/cluster.ts'
import { runMain } from '../scenarios/main.ts'
import { startInside, startOutside, until } from './gate.ts'
import {
  checkLog,
  isAdmitted,
  isRefused,
  isSequenced,
  isSpooled,
  Load,
  makePostgresHome,
  type Asked,
} from './postgres-gate.ts'

const skip = whyNoPostgres() ?? false

describe('a gate whose database fails, over TLS', { skip, concurrency: 1 }, () => {
  let cluster: Cluster
  before(async () => {
    cluster = await startCluster()
  })
  after(() => cluster.stop())

  /** Takes the database away under load, in every way; `during` is what whoever asks is answered meanwhile. */
  async function everyFault(load: Load, database: string, during: (answer: Asked) => boolean) {
    for (const how of ['fast', 'immediate'] as const) {
      await load.more(5, isSequenced, `before ${how}`)
      await cluster.halt(how)
      await load.more(5, during, `stopped, ${how}`)
      await cluster.start()
    }
    await load.more(5, isSequenced, 'before it is frozen')
    cluster.freeze()
    try {
      await load.more(5, during, 'frozen')
    } finally {
      cluster.thaw()
    }
    await load.more(5, isSequenced, 'before its disk is full')
    await cluster.say(
      database,
      `CREATE FUNCTION public.full() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;
       CREATE TRIGGER f BEFORE INSERT ON sallyport.outbox FOR EACH STATEMENT EXECUTE FUNCTION public.full()`,
    )
    await load.more(5, during, 'its disk is full')
    await cluster.say(database, 'DROP FUNCTION public.full CASCADE')
    await load.more(5, isSequenced, 'after all')
  }

  for (const spool of ['{}', 'false'])
    test(`restarted, killed, frozen and full, ${spool === '{}' ? 'with' : 'without'} a spool: nothing acknowledged is lost, nothing unrecorded is admitted, and answers are in time`, async (t) => {
      const home = await makePostgresHome(cluster, spool)
      t.after(() => home.close())
      const gate = await startInside(home)
      const image = home.image(home.approve())
      const load = new Load(() => home.ask(gate.address, image))
      await everyFault(load, home.database, spool === '{}' ? isSpooled : isRefused)
      const answers = await load.stop()
      await until('nothing waits', async () => {
        return (await home.get(gate.address, '/readyz')).text === 'ready\nADMISSION_OPEN\n'
      })
      await gate.stop()
      // A log in a database mends itself: the gate has never opened it again.
      assert.doesNotMatch(gate.journal.join(''), /SIGNER_DIED/)
      const size = await checkLog(home.dir, answers)
      const admitted = answers.filter(isAdmitted)
      for (const { status, ms, text } of answers) {
        assert.ok(status === 200 || status === 503, text)
        assert.ok(ms < 8000, `${ms} ms`)
        if (status === 503) assert.match(text, /LOG_UNAVAILABLE/)
      }
      if (spool === 'false') assert.equal(answers.filter(isSpooled).length, 0)
      t.diagnostic(`${answers.length} answers, ${admitted.length} admitted, ${size} entries`)
    })

  test('a spool is told by readiness, metrics, receipt and journal, is forwarded in its order after kill -9 and a restart, and shuts the gate when it is full', async (t) => {
    const home = await makePostgresHome(cluster, '{maxEntries: 12}')
    t.after(() => home.close())
    let gate = await startOutside(home)
    const image = home.image(home.approve())
    const answers = [await home.ask(gate.address, image)]
    await cluster.halt('immediate')
    while (!answers.some(isRefused)) {
      answers.push(await home.ask(gate.address, image))
      assert.ok(answers.length < 20)
      if (answers.filter(isSpooled).length === 5) {
        const { status, text } = await home.get(gate.address, '/readyz')
        assert.equal(status, 200)
        assert.match(text, /^ready\n(?:.*\n)*LOG_SPOOLING\n/)
        const metrics = await home.get(gate.address, '/metrics')
        assert.match(metrics.text, /^sallyport_spool_entries 5$/m)
        assert.match(metrics.text, /^sallyport_spool_oldest_seconds \d/m)
      }
    }
    assert.equal(answers.filter(isSpooled).length, 12)
    const refused = answers.find(isRefused)
    assert.match(refused?.text ?? '', /LOG_UNAVAILABLE.*LOG_SPOOL_FULL/s)
    const { status, text } = await home.get(gate.address, '/readyz')
    assert.equal(status, 503)
    assert.match(text, /LOG_SPOOL_FULL/)
    assert.match(gate.output(), /decisions go into the spool/)
    const alarms = join(home.folder, 'alarms', 'events.jsonl')
    await until('the alarm', () => readFileSync(alarms, 'utf8').includes('log-spooled'))
    gate.child.kill('SIGKILL')
    await gate.ended
    // What it was just writing when it died was never answered.
    const file = join(home.folder, 'spool', '0', 'entries.jsonl')
    writeFileSync(file, `${readFileSync(file, 'utf8')}0123456789abcdef {"torn`)
    await cluster.start()
    const { stdout } = await runMain(['log', 'show'], home.dir, {})
    assert.match(stdout.join('\n'), /12 decisions more wait in the spool of this gate/)
    const verified = await runMain(['log', 'verify', '--json'], home.dir, {})
    assert.match(verified.stdout.join('\n'), /"spooled": ?12/)
    // The next one has a spool of its own, and takes over what the one that died has left.
    const other = openFileSpool({ folder: join(home.folder, 'spool', '0'), memory: '/nowhere' })
    assert.equal(await other.take(), true)
    gate = await startOutside(home)
    await other.close()
    await until('forwarded', async () => {
      return (await readSpool(other)).entries === 0
    })
    answers.push(await home.ask(gate.address, image))
    gate.child.kill('SIGTERM')
    assert.equal(await gate.ended, 0)
    // In their order: one client asked, one after the other.
    assert.equal(await checkLog(home.dir, answers), 14)
  })

  test('a spool that was altered while the gate was down is refused at the start', async (t) => {
    const home = await makePostgresHome(cluster)
    t.after(() => home.close())
    const gate = await startInside(home)
    const image = home.image(home.approve())
    await cluster.halt('immediate')
    let spooled = 0
    while (spooled < 3) if (isSpooled(await home.ask(gate.address, image))) spooled += 1
    await gate.stop()
    await cluster.start()
    const file = join(home.folder, 'spool', '0', 'entries.jsonl')
    const lines = readFileSync(file, 'utf8').split('\n')
    writeFileSync(file, [...lines.slice(0, -2), ''].join('\n'))
    await assert.rejects(startInside(home), { code: 'LOG_SPOOL_DAMAGED' })
  })

  test('a database that was put back is not spooled for: nothing is admitted', async (t) => {
    const home = await makePostgresHome(cluster)
    const gate = await startInside(home)
    t.after(() => home.close())
    const image = home.image(home.approve())
    const sequenced = async () => {
      await until('sequenced', async () => isSequenced(await home.ask(gate.address, image)))
    }
    await sequenced()
    const headNow = async () => {
      const [head] = await cluster.say(
        home.database,
        'SELECT size, checkpoint FROM sallyport.log_head',
      )
      return head
    }
    const head = await headNow()
    await sequenced()
    // Answered when it is staged; what is put back here is what was committed.
    await until(
      'committed',
      async () => Number((await headNow())?.['size']) > Number(head?.['size']),
    )
    await cluster.say(
      home.database,
      `DELETE FROM sallyport.entry WHERE idx >= ${String(head?.['size'])};
       UPDATE sallyport.log_head SET size = ${String(head?.['size'])}, checkpoint = '${String(head?.['checkpoint'])}'`,
    )
    await until('refused', async () => {
      const asked = await home.ask(gate.address, image)
      return isRefused(asked) && asked.text.includes('LOG_ROLLED_BACK')
    })
    const { status } = await home.get(gate.address, '/readyz')
    assert.equal(status, 503)
    for (let at = 0; at < 3; at += 1) assert.ok(isRefused(await home.ask(gate.address, image)))
  })

  test('two replicas race over one database, and one is killed at random, again and again: every answer is in the log, once', async (t) => {
    const home = await makePostgresHome(cluster)
    t.after(() => home.close())
    const second = home.replica()
    t.after(() => second.close())
    // Who starts first sequences, until it is killed.
    let other = await startOutside(second)
    const steady = await startInside(home)
    const image = home.image(home.approve())
    let turn = 0
    const address = () => (turn++ % 2 === 0 ? steady : other).address
    const load = new Load(() => home.ask(address(), image))
    for (let round = 0; round < 2; round += 1) {
      await load.more(randomInt(5, 60), isSequenced, 'both')
      other.child.kill('SIGKILL')
      await other.ended
      await load.more(5, isSequenced, 'the one that is left')
      if (round === 0) other = await startOutside(second)
    }
    const answers = await load.stop()
    await steady.stop()
    await checkLog(home.dir, answers)
  })
})
