import { parseJson, type Json, type JsonObject } from '#document'
import { readKeyFile, readSupplyChain, verifyLayout } from '#layout'
import {
  alice,
  bob,
  encode,
  layout,
  link,
  metablock,
  dsse,
  now,
  owner,
  pathOf,
  step,
} from '../../../src/core/layout/testing/chain.ts'
import type { Target } from '../target.ts'

const steps = [
  step({
    products: [
      ['CREATE', '*.tgz'],
      ['DISALLOW', '*'],
    ],
  }),
  step({
    name: 'test',
    by: [alice, bob],
    threshold: 2,
    materials: [
      ['MATCH', '*', 'WITH', 'PRODUCTS', 'FROM', 'build'],
      ['DISALLOW', '*'],
    ],
    products: [
      ['ALLOW', '*.tgz'],
      ['DISALLOW', '*'],
    ],
  }),
]
const build = link('build', {}, { 'shop.tgz': 'shop' })
const test = link('test', { 'shop.tgz': 'shop' }, { 'shop.tgz': 'shop' })
const chains = [metablock, dsse].map((sign) => ({
  layout: base64(sign(layout({ steps }), owner)),
  links: [
    { path: pathOf('build', alice), content: base64(sign(build, alice)) },
    { path: pathOf('test', alice), content: base64(sign(test, alice)) },
    { path: pathOf('test', bob), content: base64(sign(test, bob)) },
  ],
}))
const key = readKeyFile(encode(owner.publicKey), 'owner.pub')

/** What the owner, Alice and Bob have signed: a chain holds with nothing else. */
const genuine = new Set(
  chains.flatMap((chain) => [chain.layout, ...chain.links.map(({ content }) => content)]).map(said),
)

export const layoutTargets: readonly Target[] = [
  {
    name: 'layout.verifyLayout',
    covers: ['#layout.readSupplyChain'],
    form: 'json',
    seeds: () => chains.map((chain) => Buffer.from(JSON.stringify(chain))),
    run: (input) => {
      const predicate = parseJson(input, { what: 'fuzz' }) as JsonObject
      const chain = readSupplyChain(predicate)
      const result = verifyLayout({ ...chain, where: 'root.layout', keys: [key], now })
      if (result.kind === 'holds' && !genuine.has(said(base64(chain.layout))))
        throw new Error('a layout holds that its owner has not signed')
    },
  },
]

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

/** What was signed, however it is written. */
function said(text: string): string {
  const file = JSON.parse(Buffer.from(text, 'base64').toString()) as Readonly<Record<string, Json>>
  const { signed, payload } = file
  return typeof payload === 'string'
    ? Buffer.from(payload, 'base64').toString()
    : JSON.stringify(signed)
}
