import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tilePath, TreeEdge, type ReadTile } from '#merkle'

const entries = Array.from({ length: 300 }, (_, index) => Buffer.from(`entry ${index}`))
const { edge, tiles: all } = TreeEdge.empty.extend(entries)
const tiles = all()
const readTile: ReadTile = async (position) =>
  tiles.find((tile) => tilePath(tile) === tilePath(position))?.bytes ?? assert.fail()

test('appending gives every tile that the new tree has and the old one had not', () => {
  const paths = (from: number, to: number) =>
    TreeEdge.empty
      .extend(entries.slice(0, from))
      .edge.extend(entries.slice(from, to))
      .tiles()
      .map(tilePath)
  assert.deepEqual(paths(0, 1), ['tile/entries/000.p/1', 'tile/0/000.p/1'])
  assert.deepEqual(paths(255, 256), ['tile/entries/000', 'tile/0/000', 'tile/1/000.p/1'])
  assert.deepEqual(paths(256, 257), ['tile/entries/001.p/1', 'tile/0/001.p/1'])
  assert.deepEqual(paths(10, 300), [
    'tile/entries/000',
    'tile/0/000',
    'tile/entries/001.p/44',
    'tile/0/001.p/44',
    'tile/1/000.p/1',
  ])
})

test('appending nothing changes nothing', () => {
  const same = edge.extend([])
  assert.deepEqual(same.tiles(), [])
  assert.deepEqual(same.edge.root, edge.root)
})

test('an edge is not changed by appending to it', () => {
  const before = edge.root
  edge.extend(entries)
  assert.deepEqual(edge.root, before)
  assert.equal(edge.size, 300)
})

test('an edge without bundles has the same tree and hashes, and no entries', () => {
  const [first, rest] = [entries.slice(0, 200), entries.slice(200)]
  const grown = TreeEdge.empty.extend(first).edge.withoutBundles().extend(rest)
  assert.deepEqual(grown.edge.root, edge.root)
  assert.deepEqual(grown.edge.partialTiles().map(tilePath), ['tile/0/001.p/44', 'tile/1/000.p/1'])
  for (const tile of grown.tiles()) {
    assert.notEqual(tile.level, 'entries')
    assert.deepEqual(
      tile,
      tiles.find((one) => tilePath(one) === tilePath(tile)),
    )
  }
  assert.deepEqual(grown.full.map(tilePath), ['tile/0/000'])
})

test('an edge is not loaded from a bundle that does not fit its tile', async () => {
  await assert.rejects(
    TreeEdge.load(300, async (position) => {
      const bytes = Buffer.from(await readTile(position))
      if (position.level === 'entries') bytes.write('E', 2)
      return bytes
    }),
    { code: 'LOG_ENTRY_ALTERED', where: /entry 256/ },
  )
})

test('an edge is not loaded from a tile of another length', async () => {
  for (const change of [-1, 1, -32, 32])
    await assert.rejects(
      TreeEdge.load(300, async (position) => {
        const bytes = Buffer.concat([await readTile(position), Buffer.alloc(32)])
        return bytes.subarray(0, bytes.length - 32 + change)
      }),
      { code: 'TILE_MALFORMED' },
    )
})

test('an entry longer than its length can say is refused', () => {
  assert.doesNotThrow(() => edge.extend([new Uint8Array(65_535)]))
  assert.throws(() => edge.extend([new Uint8Array(65_536)]), TypeError)
})
