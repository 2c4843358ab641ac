import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { test } from 'node:test'
import { SallyportError } from '#error'
import { layoutVerify } from '../../src/app/layout/verify-layout.ts'
import {
  alice,
  encode,
  layout,
  link,
  metablock,
  owner,
  pathOf,
  step,
} from '../../src/core/layout/testing/chain.ts'

const client = resolve(import.meta.dirname, 'in-toto-client')
const files = {
  'root.layout': metablock(
    layout({
      steps: [
        step({
          products: [
            ['CREATE', 'out'],
            ['DISALLOW', '*'],
          ],
        }),
      ],
    }),
    owner,
  ),
  'owner.pub': encode(owner.publicKey),
  'alice.pub': encode(alice.publicKey),
  [`links/${pathOf('build', alice)}`]: metablock(link('build', {}, { out: '1' }), alice),
}

test('the client speaks in-toto-verify: 0 for a yes, 1 for a no and for what it does not understand', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-in-toto-'))
  try {
    for (const [path, bytes] of Object.entries(files)) {
      mkdirSync(dirname(join(dir, path)), { recursive: true })
      writeFileSync(join(dir, path), bytes)
    }
    const run = (...args: string[]) => spawnSync(client, args, { cwd: dir, encoding: 'utf8' })
    const ask = (key: string) =>
      run(
        '--layout',
        'root.layout',
        '--layout-keys',
        key,
        '--key-types',
        'ed25519',
        '--link-dir',
        'links',
      )
    assert.equal(ask('owner.pub').status, 0)
    const refused = ask('alice.pub')
    assert.equal(refused.status, 1)
    assert.match(refused.stderr, /LAYOUT_SIGNATURE/)
    assert.equal(run('--layout', 'root.layout', '--link-dir', 'links').status, 1)
    assert.equal(run('verify').status, 1)
  } finally {
    rmSync(dir, { recursive: true })
  }
})

interface Case {
  readonly id: string
  readonly layout_keys: readonly string[]
  readonly expected_exit: number
}

const shared = resolve(import.meta.dirname, '../../../shared/data/in-toto')
const skip = existsSync(shared) ? false : 'skipped: no ../shared'

test('in-toto scenarios are answered as in-toto-verify answers them', { skip }, async () => {
  const cases = JSON.parse(readFileSync(join(shared, 'cases.json'), 'utf8')) as readonly Case[]
  const wrong: string[] = []
  for (const { id, layout_keys, expected_exit } of cases) {
    const at = join(shared, 'cases', id)
    const product = mkdtempSync(join(tmpdir(), 'sallyport-product-'))
    const exit = await layoutVerify({
      layout: join(at, 'root.layout'),
      keys: layout_keys.map((name) => join(at, 'keys', name)),
      links: join(at, 'links'),
      product,
      runInspections: true,
      ignoreProductUnsafe: true,
      now: new Date('2026-12-01T00:00:00Z'),
    }).then(
      ({ verdict }) => (verdict === 'verified' ? 0 : 1),
      (error: unknown) => {
        if (error instanceof SallyportError) return 1
        throw error
      },
    )
    rmSync(product, { recursive: true })
    if (exit !== expected_exit) wrong.push(id)
  }
  assert.deepEqual(wrong, [])
})
