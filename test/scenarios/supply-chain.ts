import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  alice,
  bob,
  encode,
  eve,
  layout,
  link,
  metablock,
  owner,
  pathOf,
  step,
} from '../../src/core/layout/testing/chain.ts'

/** supply-chain FOLDER [inspect]: a product, what its owner laid out, and what alice and bob say of making it. */
export function supplyChain([folder = '', inspect]: readonly string[], dir: string): undefined {
  const at = join(dir, folder)
  const steps = [
    step({
      name: 'write',
      products: [
        ['CREATE', 'src/*'],
        ['DISALLOW', '*'],
      ],
    }),
    step({
      name: 'package',
      by: [bob],
      materials: [
        ['MATCH', 'src/*', 'WITH', 'PRODUCTS', 'FROM', 'write'],
        ['DISALLOW', '*'],
      ],
      products: [
        ['CREATE', 'foo.tar'],
        ['DISALLOW', '*'],
      ],
    }),
  ]
  const chk = {
    _type: 'inspection',
    name: 'chk',
    run: ['sh', '-c', 'test "$(cat foo.tar)" = tar'],
    expected_materials: [
      ['MATCH', '*', 'WITH', 'PRODUCTS', 'FROM', 'package'],
      ['DISALLOW', '*'],
    ],
    expected_products: [],
  }
  const parts = {
    expires: '2099-01-01T00:00:00Z',
    steps,
    inspect: inspect === undefined ? [] : [chk],
  }
  const sources = { 'src/foo.py': 'foo' }
  const files = {
    'root.layout': metablock(layout(parts), owner),
    'owner.pub': encode(owner.publicKey),
    'eve.pub': encode(eve.publicKey),
    [`links/${pathOf('write', alice)}`]: metablock(link('write', {}, sources), alice),
    [`links/${pathOf('package', bob)}`]: metablock(
      link('package', sources, { 'foo.tar': 'tar' }),
      bob,
    ),
    'product/foo.tar': Buffer.from('tar'),
  }
  mkdirSync(join(at, 'links'), { recursive: true })
  mkdirSync(join(at, 'product'))
  for (const [path, bytes] of Object.entries(files)) writeFileSync(join(at, path), bytes)
}
