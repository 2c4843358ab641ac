import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SallyportError } from '#error'
import {
  consistencyHolds,
  encodeTlogProof,
  hashLeaf,
  inclusionHolds,
  parseNote,
  parseTilePath,
  parseTlogProof,
  parseVerifierKey,
  proveConsistency,
  proveInclusion,
  tileNodes,
  tilePath,
  TreeEdge,
  treeRoot,
  type ReadTile,
} from '#merkle'

// Three levels of tiles are reached at 65,536 entries, two at 256; most of what can go wrong is at such borders.
const largest = 66_000
const borders = [1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, largest]
const entries = Array.from({ length: largest }, (_, index) => Buffer.from(`entry ${index}`))
const tiles = new Map<string, Uint8Array>()
for (const tile of TreeEdge.empty.extend(entries).tiles()) tiles.set(tilePath(tile), tile.bytes)

const readTile: ReadTile = async (position) => {
  const bytes =
    tiles.get(tilePath(position)) ??
    tiles.get(tilePath({ ...position, width: 256 })) ??
    [...tiles].find(([path]) => path.startsWith(`${tilePath({ ...position, width: 256 })}.p/`))?.[1]
  assert.ok(bytes)
  return bytes.subarray(0, position.width * 32)
}
const nodes = (size: number) => tileNodes(size, readTile)
const head = async (size: number) => ({ size, root: await treeRoot(size, nodes(size)) })

const sizes = fc.oneof(
  fc.integer({ min: 1, max: 600 }),
  fc.integer({ min: 1, max: largest }),
  fc.constantFrom(...borders),
)

test('every entry of a tree of any size can be proven, and no altered proof holds', async () => {
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(), fc.nat(), async (size, pick, damage) => {
      const index = pick % size
      const leaf = { index, hash: hashLeaf(entries[index] ?? assert.fail()) }
      const tree = await head(size)
      const proof = await proveInclusion(index, size, nodes(size))
      assert.ok(inclusionHolds(leaf, tree, proof))
      for (const altered of alterations(proof, damage))
        assert.ok(!inclusionHolds(leaf, tree, altered))
      assert.ok(!inclusionHolds({ ...leaf, index: (index + 1) % (size + 1) }, tree, proof))
      assert.ok(!inclusionHolds({ ...leaf, hash: flip(leaf.hash, damage) }, tree, proof))
      assert.ok(!inclusionHolds(leaf, { ...tree, root: flip(tree.root, damage) }, proof))
    }),
    { numRuns: 150 },
  )
})

test('every tree extends every smaller one, and no altered proof holds', async () => {
  await fc.assert(
    fc.asyncProperty(sizes, sizes, fc.nat(), async (one, other, damage) => {
      const [from, to] = [await head(Math.min(one, other)), await head(Math.max(one, other))]
      const proof = await proveConsistency(from.size, to.size, nodes(to.size))
      assert.ok(consistencyHolds(from, to, proof))
      for (const altered of alterations(proof, damage))
        assert.ok(!consistencyHolds(from, to, altered))
      assert.ok(!consistencyHolds({ ...from, root: flip(from.root, damage) }, to, proof))
      assert.ok(!consistencyHolds(from, { ...to, root: flip(to.root, damage) }, proof))
      if (from.size < to.size) assert.ok(!consistencyHolds(to, from, proof))
    }),
    { numRuns: 150 },
  )
})

test('a tree is the same however its entries are cut into batches', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 700 }), { maxLength: 6 }), (batches) => {
      let edge = TreeEdge.empty
      for (const count of batches)
        edge = edge.extend(entries.slice(edge.size, edge.size + count)).edge
      const whole = TreeEdge.empty.extend(entries.slice(0, edge.size)).edge
      assert.deepEqual(edge.root, whole.root)
      assert.deepEqual(edge.partialTiles(), whole.partialTiles())
    }),
    { numRuns: 40 },
  )
})

test('appending has at hand all that the proof of consistency needs', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 2000 }),
      fc.integer({ min: 1, max: 600 }),
      async (size, more) => {
        const old = TreeEdge.empty.extend(entries.slice(0, size)).edge
        const { edge, node } = old.extend(entries.slice(size, size + more))
        const proof = await proveConsistency(old.size, edge.size, async (positions) =>
          positions.map((position) => node(position) ?? assert.fail()),
        )
        assert.ok(consistencyHolds(old, edge, proof))
      },
    ),
    { numRuns: 100 },
  )
})

test('an edge loaded from tiles is the edge that was built, and goes on as it would have', async () => {
  await fc.assert(
    fc.asyncProperty(sizes, fc.integer({ min: 1, max: 600 }), async (size, more) => {
      const begin = Math.min(size, largest - more)
      const built = TreeEdge.empty.extend(entries.slice(0, begin)).edge
      const loaded = await TreeEdge.load(begin, async (position) =>
        position.level === 'entries'
          ? (built.partialTiles().find(({ level }) => level === 'entries')?.bytes ?? assert.fail())
          : readTile(position),
      )
      assert.deepEqual(loaded.root, built.root)
      const added = entries.slice(begin, begin + more)
      assert.deepEqual(loaded.extend(added).tiles(), built.extend(added).tiles())
    }),
    { numRuns: 25 },
  )
})

test('a tile path leads back to its tile', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.constant('entries' as const), fc.integer({ min: 0, max: 63 })),
      fc.maxSafeNat(),
      fc.integer({ min: 1, max: 256 }),
      (level, index, width) => {
        assert.deepEqual(parseTilePath(tilePath({ level, index, width })), { level, index, width })
      },
    ),
  )
})

test('a receipt is read as it was written', () => {
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })
  fc.assert(
    fc.property(
      fc.record({
        index: fc.maxSafeNat(),
        hashes: fc.array(hash, { maxLength: 63 }),
        extra: fc.option(fc.uint8Array(), { nil: undefined }),
        checkpoint: fc.string(),
      }),
      ({ extra, ...proof }) => {
        const text = encodeTlogProof(extra === undefined ? proof : { ...proof, extra })
        const read = parseTlogProof(text)
        assert.equal(read.index, proof.index)
        assert.equal(read.checkpoint, proof.checkpoint)
        assert.deepEqual(read.hashes.map(hex), proof.hashes.map(hex))
        assert.equal(read.extra && hex(read.extra), extra && hex(extra))
      },
    ),
  )
})

test('whatever text is given, a parser answers with a value or a problem', () => {
  const note = 'o\n1\nAAAA\n\n— k AAAAAAA=\n'
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .tuple(fc.nat({ max: note.length }), fc.string({ unit: 'grapheme' }))
      .map(([at, more]) => note.slice(0, at) + more + note.slice(at)),
  )
  fc.assert(
    fc.property(text, (input) => {
      for (const parse of [parseNote, parseVerifierKey, parseTlogProof, parseTilePath])
        try {
          parse(input)
        } catch (problem) {
          assert.ok(problem instanceof SallyportError)
        }
    }),
  )
})

function alterations(proof: readonly Uint8Array[], damage: number): Uint8Array[][] {
  const extra = proof[0] ?? new Uint8Array(32)
  const longer = [
    [...proof, extra],
    [extra, ...proof],
  ]
  if (proof.length === 0) return longer
  const at = damage % proof.length
  const flipped = proof.map((hash, index) => (index === at ? flip(hash, damage) : hash))
  return [...longer, flipped, proof.toSpliced(at, 1)]
}

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const place = bit % (bytes.length * 8)
  return bytes.map((byte, index) => (index === place >> 3 ? byte ^ (1 << (place & 7)) : byte))
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
