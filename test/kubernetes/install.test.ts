// "Install in ten minutes" of docs/kubernetes.md, typed as it stands there, and what workloads meet in such a cluster.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { whyNoControllers } from './api-server.ts'
import { runInOwnNetwork, whyNoNetwork } from './own-network.ts'

const skip = whyNoNetwork() || whyNoControllers()

test(
  'a cluster is guarded by typing what the documentation says, and its controllers go through the gate',
  { skip },
  async (t) => {
    const { exit, output } = await runInOwnNetwork(join(import.meta.dirname, 'installed.ts'))
    assert.equal(exit, 0, output)
    for (const line of output.split('\n'))
      if (/^\s*(?:✔|ℹ took)/.test(line)) t.diagnostic(line.trim())
  },
)
