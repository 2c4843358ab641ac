import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareRunning, note, type LetIn } from './running.ts'

const sha256 = 'ab'.repeat(32)
const admission = {
  clients: [],
  namespaces: {
    shop: { environment: 'production', service: 'shop' },
    tools: { environment: 'staging', service: 'tools' },
  },
  kinds: {},
}

function foundIn(pods: readonly string[], environments: readonly string[], mapped = true) {
  const letIn: LetIn = new Set()
  for (const environment of environments) {
    const target = { environment, service: 'any' }
    note({ artifact: { name: 'x', digest: { sha256 } }, target, chokePoint: 'admission' }, letIn)
  }
  const running = { images: [{ sha256, pods }], pods: pods.length, unnamed: [] }
  const options = { ownNamespace: 'sallyport-system', admission: mapped ? admission : undefined }
  return compareRunning(running, letIn, options).findings.map(({ code, where }) => [code, where])
}

test('what runs in an environment was let in there, whatever was decided for others', () => {
  assert.deepEqual(foundIn(['shop/a', 'tools/b'], ['production', 'staging']), [])
  assert.deepEqual(foundIn(['shop/a', 'tools/b'], ['staging']), [['BYPASS_UNDECIDED', 'shop/a']])
  assert.deepEqual(foundIn(['shop/a'], []), [['BYPASS_UNDECIDED', 'shop/a']])
})

test('where nobody says which namespace is which environment, any decision of the log counts', () => {
  assert.deepEqual(foundIn(['shop/a', 'other/b'], ['staging'], false), [])
  assert.deepEqual(foundIn(['other/b'], ['staging']), [])
})

test('the namespace of the gate has a guard of its own', () => {
  assert.deepEqual(foundIn(['sallyport-system/gate'], []), [])
})
