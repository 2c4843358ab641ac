import { after, before, describe } from 'node:test'
import { contractMarks, logContract } from '../../src/log/log.case.ts'
import { startCluster, whyNoPostgres, type Cluster } from './cluster.ts'
import { makePlace, testIdentity } from './place.ts'

describe('the contract of logs', { skip: whyNoPostgres() ?? false }, () => {
  let cluster: Cluster
  before(async () => {
    cluster = await startCluster()
  })
  after(() => cluster.stop())

  logContract('PostgreSQL', async (t) => {
    const { open, store } = await makePlace(t, cluster)
    return {
      identity: testIdentity(),
      open: async () => open({ marks: contractMarks }),
      reader: store.log,
      bodies: store.bodies,
    }
  })
})
