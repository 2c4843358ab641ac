// Replicas over one database, watched by witnesses: what holds for each alone holds for both together.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { logVerify } from '#app'
import { loadConfig } from '#config'
import { openCheckpoint, parseTlogProof, parseVerifierKey, signersOf } from '#merkle'
import { startCluster, whyNoPostgres, type Cluster } from '../postgres/cluster.ts'
import { startOutside, until, type Outside } from './gate.ts'
import { checkLog, isSequenced, makePostgresHome, type Asked } from './postgres-gate.ts'
import { endWitnesses, watchedBy } from './witnesses.ts'

const skip = whyNoPostgres() ?? false

describe('two replicas, one database, two witnesses', { skip }, () => {
  let cluster: Cluster
  before(async () => {
    cluster = await startCluster()
  })
  after(async () => {
    await endWitnesses()
    await cluster.stop()
  })

  test('receipts are witnessed, whoever is killed and whoever was away; and a database that is put back from a dump is refused at the start, by every memory', async (t) => {
    const home = await makePostgresHome(cluster)
    t.after(() => home.close())
    const [first, second] = await watchedBy(home, 'all', ', warnAfterSeconds: 1')
    const keys = [first.verifierKeys[0], second.verifierKeys[1]].map((key) =>
      parseVerifierKey(key ?? ''),
    )
    const other = home.replica()
    t.after(() => other.close())
    const end = async (gate: Outside, signal: NodeJS.Signals): Promise<void> => {
      gate.child.kill(signal)
      await gate.ended
    }
    const image = home.image(home.approve())
    const answers: Asked[] = []
    const decide = async ({ address }: Outside): Promise<number> => {
      const answer = await home.ask(address, image)
      assert.ok(isSequenced(answer), answer.text)
      answers.push(answer)
      return Number(answer.place)
    }
    const receipt = ({ address }: Outside, entry: number, seconds = 20) =>
      home.get(address, `/api/v1/decisions/${entry}/receipt?wait=witnessed&seconds=${seconds}`)
    const witnessed = async (gate: Outside, entry: number): Promise<void> => {
      const { status, text } = await receipt(gate, entry)
      assert.equal(status, 200, text)
      const { checkpoint, index } = parseTlogProof(text)
      assert.equal(index, entry)
      assert.equal(signersOf(checkpoint, keys).length, 2, text)
    }

    let [one, two] = [await startOutside(home), await startOutside(other)]
    // Whichever replica decides, either gives the receipt.
    for (const [decides, gives] of [
      [one, one],
      [one, two],
      [two, one],
      [two, two],
    ] as const)
      await witnessed(gives, await decide(decides))

    // The one that started first sequences: it is the one that dies.
    await end(one, 'SIGKILL')
    await witnessed(two, await decide(two))
    one = await startOutside(home)
    await witnessed(one, await decide(one))

    await second.kill()
    const missed = await decide(two)
    assert.equal(
      signersOf(parseTlogProof((await receipt(two, missed, 1)).text).checkpoint, keys).length,
      0,
    )
    for (const { address } of [one, two])
      await until('warned', async () => {
        const { status, text } = await home.get(address, '/readyz')
        return status === 200 && text.includes('WITNESS_LAG')
      })
    await second.start()
    for (const gate of [one, two]) await witnessed(gate, missed)

    // Last night's dump, and the home of a replica as it was then.
    const dump = await cluster.dump(home.database)
    const old = home.replica()
    t.after(() => old.close())
    const size = await checkLog(home.dir, answers)
    await witnessed(two, await decide(two))
    await Promise.all([one, two].map((gate) => end(gate, 'SIGTERM')))
    const config = loadConfig({ cwd: home.dir, env: {} })
    const whole = await logVerify(config, { witnesses: true })
    assert.deepEqual(whole.problems, [])
    await cluster.restore(home.database, dump)

    // A memory of today knows it without asking anybody; one of last night is told by the witnesses.
    for (const at of [home, other]) await assert.rejects(startOutside(at), /LOG_ROLLED_BACK/)
    await assert.rejects(startOutside(old), (error: Error) => {
      assert.match(error.message, /witness .*w[12]/s)
      assert.match(error.message, /LOG_ROLLED_BACK/)
      return true
    })
    const evidence = join(old.folder, 'witnessed/evidence')
    const [file = ''] = readdirSync(evidence)
    const notes = readFileSync(join(evidence, file), 'utf8').split(/---- .* ----\n/)
    const sizes = notes
      .slice(1)
      .map((note) => openCheckpoint(`${note.trimEnd()}\n`, config.log).size)
    assert.deepEqual(sizes, [size, size + 1])
    // Nobody was told of an entry that would now be given to something else.
    const { problems } = await logVerify(loadConfig({ cwd: old.dir, env: {} }), { witnesses: true })
    assert.ok(problems.some(({ code }) => code === 'LOG_ROLLED_BACK'))
  })
})
