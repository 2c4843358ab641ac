import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  emptyRoot,
  proveConsistency,
  refuseToSign,
  tileNodes,
  TreeEdge,
  type SigningRequest,
} from '#merkle'

const origin = 'log.example/decisions'
const grown = (count: number, text = 'entry') =>
  TreeEdge.empty.extend(Array.from({ length: count }, (_, at) => Buffer.from(`${text} ${at}`))).edge

async function request(from: number, to: TreeEdge): Promise<SigningRequest> {
  const [, level0] = to.partialTiles()
  const nodes = tileNodes(to.size, async () => level0?.bytes ?? new Uint8Array())
  return { size: to.size, root: to.root, consistency: await proveConsistency(from, to.size, nodes) }
}

test('a signer signs a tree that extends the newest one', async () => {
  assert.equal(refuseToSign(grown(3), await request(3, grown(5)), origin), undefined)
})

test('a signer signs the newest tree again', async () => {
  assert.equal(refuseToSign(grown(3), await request(3, grown(3)), origin), undefined)
})

test('a signer signs the first entries of a log', async () => {
  assert.equal(refuseToSign(grown(0), await request(0, grown(5)), origin), undefined)
})

test('a signer without memory signs the empty tree and nothing else', async () => {
  const empty = { size: 0, root: emptyRoot, consistency: [] }
  assert.equal(refuseToSign(undefined, empty, origin), undefined)
  const other = refuseToSign(undefined, { ...empty, root: grown(1).root }, origin)
  assert.equal(other?.code, 'CONSISTENCY_PROOF_INVALID')
  const late = refuseToSign(undefined, await request(0, grown(5)), origin)
  assert.equal(late?.code, 'LOG_MEMORY_MISSING')
})

test('a signer refuses a smaller tree, and names both sizes', async () => {
  const problem = refuseToSign(grown(5), await request(3, grown(3)), origin)
  assert.equal(problem?.code, 'LOG_ROLLED_BACK')
  assert.match(problem.expected, /at least 5 entries/)
  assert.match(problem.found, /3 entries/)
})

test('a signer refuses another tree of the same size', async () => {
  const problem = refuseToSign(grown(3), await request(3, grown(3, 'other')), origin)
  assert.equal(problem?.code, 'LOG_FORKED')
})

test('a signer refuses a larger tree that does not extend the newest one', async () => {
  const other = await request(3, grown(5, 'other'))
  assert.equal(refuseToSign(grown(3), other, origin)?.code, 'CONSISTENCY_PROOF_INVALID')
  const unproven = { ...(await request(3, grown(5))), consistency: [] }
  assert.equal(refuseToSign(grown(3), unproven, origin)?.code, 'CONSISTENCY_PROOF_INVALID')
})

test('a signer takes no proof where there is nothing to prove', async () => {
  const padded = { ...(await request(3, grown(5))) }
  assert.equal(refuseToSign(grown(0), padded, origin)?.code, 'CONSISTENCY_PROOF_INVALID')
})

test('a signer refuses sizes that are no sizes', () => {
  for (const size of [-1, 1.5, Number.NaN, Infinity, 2 ** 53]) {
    const problem = refuseToSign(grown(3), { size, root: grown(5).root, consistency: [] }, origin)
    assert.notEqual(problem, undefined)
  }
})
