import { after, before, describe, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { startCluster, whyNoPostgres, type Cluster } from './cluster.ts'
import { makePlace } from './place.ts'
import { Replica, Told } from './replicas.ts'

// SALLYPORT_KILLS=300 npm test -- postgres kills more often.
const kills = Number(process.env['SALLYPORT_KILLS'] ?? 12)

describe('replicas that die', { skip: whyNoPostgres() ?? false, concurrency: 1 }, () => {
  let cluster: Cluster
  before(async () => {
    cluster = await startCluster()
  })
  after(() => {
    Replica.endAll()
    return cluster.stop()
  })

  test(`${kills} kills of replicas that race: nothing answered is lost, no index is twice, the log verifies`, async (t) => {
    const place = await makePlace(t, cluster)
    const { options, memory } = place
    const told = new Told()
    let made = 0
    const make = () => new Replica(options, memory, `r${made++}`, told)
    const spare = [make(), make()]
    const racing = [make(), make()]
    for (const one of racing) one.begin()
    await told.more(20)
    for (let time = 0; time < kills; time += 1) {
      // The older of the two sequences; after its death the other, which is the older one from then on.
      const victim = time % 4 === 3 ? racing.pop() : racing.shift()
      await wait(Math.random() * 60)
      await victim?.kill()
      const next = spare.shift() ?? make()
      next.begin()
      racing.push(next)
      spare.push(make())
      await told.more(8)
    }
    await Promise.all([...racing, ...spare].map((one) => one.kill()))
    await told.check(place)
  })

  test('one that was stopped for a while and goes on finds that it does not sequence any more', async (t) => {
    const place = await makePlace(t, cluster, { timeoutMs: 1000 })
    const { options, memory } = place
    const told = new Told()
    const [one, other] = ['one', 'other'].map((name) => new Replica(options, memory, name, told))
    one?.begin()
    await told.more(20)
    other?.begin()
    await told.all(2)
    await told.more(20)
    for (let time = 0; time < 5; time += 1) {
      one?.signal('SIGSTOP')
      // PostgreSQL ends its session as soon as it has been silent for a while, or at once, as after a cut in the network.
      if (time > 0)
        await cluster.say(
          options.database,
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sallyport sequencer'`,
        )
      await told.more(10)
      one?.signal('SIGCONT')
      await told.more(10)
    }
    await Promise.all([one?.kill(), other?.kill()])
    await told.check(place)
  })

  test('the database crashes and comes back under load', async (t) => {
    const place = await makePlace(t, cluster)
    const { options, memory } = place
    const told = new Told()
    const racing = ['one', 'other'].map((name) => new Replica(options, memory, name, told))
    for (const one of racing) one.begin()
    await told.all(2)
    for (const how of ['immediate', 'fast', 'immediate'] as const) {
      await told.more(50)
      await cluster.halt(how)
      await cluster.start()
      await told.more(50)
    }
    await Promise.all(racing.map((one) => one.kill()))
    await told.check(place)
  })

  test('sessions are cut at random under load', async (t) => {
    const place = await makePlace(t, cluster)
    const { options, memory } = place
    const told = new Told()
    const racing = ['one', 'other'].map((name) => new Replica(options, memory, name, told))
    for (const one of racing) one.begin()
    await told.all(2)
    await told.more(50)
    for (let time = 0; time < 15; time += 1) {
      await cluster.say(
        options.database,
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name LIKE 'sallyport%' AND random() < 0.5`,
      )
      await wait(Math.random() * 50)
      await told.more(10)
    }
    await Promise.all(racing.map((one) => one.kill()))
    await told.check(place)
  })
})
