import { statementTypes } from '#attestation'
import { sha256Hex, type JsonObject } from '#document'
import { layoutType, supplyChainPredicate, supplyChainType } from '#layout'
import {
  alice,
  bob,
  layout,
  link,
  metablock,
  owner,
  pathOf,
  step,
  type Person,
} from '../../../layout/testing/chain.ts'
import { keyEntry, type TestKey } from '../../../trust/testing/fixtures.ts'
import type { EvidenceItem } from '../../index.ts'
import { keys, sha256, signed, trustEntries } from '../fixtures.ts'
import type { Row } from './row.ts'

export function testKeyOf({ publicPem, privateKey }: Person): TestKey {
  const der = Buffer.from(publicPem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64')
  return { scheme: 'ed25519', keyid: sha256Hex(der), publicPem, privateKey }
}

/** A builder that gathers links, and the owner of the layout. */
export const layoutSigners: JsonObject = {
  ...trustEntries,
  'release-builder': {
    ...(trustEntries['release-builder'] as object),
    predicateTypes: [supplyChainType],
    builders: [],
  },
  'chain-owner': { keys: [keyEntry(testKeyOf(owner))], predicateTypes: [layoutType] },
}

const sources = { 'src/main.ts': 'main' }

/** Written by alice, packed by bob: the artifact of the test request. */
export const goodLayout = layout({
  steps: [
    step({
      name: 'write',
      products: [
        ['CREATE', 'src/*'],
        ['DISALLOW', '*'],
      ],
    }),
    step({
      name: 'pack',
      by: [bob],
      materials: [
        ['MATCH', 'src/*', 'WITH', 'PRODUCTS', 'FROM', 'write'],
        ['DISALLOW', '*'],
      ],
    }),
  ],
})
export const goodLinks: Readonly<Record<string, Uint8Array>> = {
  [pathOf('write', alice)]: metablock(link('write', {}, sources), alice),
  [pathOf('pack', bob)]: metablock(link('pack', sources, { 'shop.tgz': 'shop 1.2.3' }), bob),
}

export function chainOf(
  file: Uint8Array = metablock(goodLayout, owner),
  links: Readonly<Record<string, Uint8Array>> = goodLinks,
): EvidenceItem {
  return signed(
    {
      _type: statementTypes.v1,
      subject: [{ name: 'shop-1.2.3.tgz', digest: { sha256 } }],
      predicateType: supplyChainType,
      predicate: supplyChainPredicate({
        layout: file,
        links: Object.entries(links).map(([path, bytes]) => ({ path, bytes })),
      }),
    },
    keys.builder,
  )
}

const inspection = {
  _type: 'inspection',
  name: 'look',
  run: ['true'],
  expected_materials: [],
  expected_products: [],
}

export const aboutLayouts: readonly Row[] = [
  {
    rule: 'layout',
    kind: 'supply chain',
    ask: 'by: [release-builder], signedBy: [chain-owner]',
    signers: layoutSigners,
    pass: [chainOf()],
    fail: [chainOf(metablock(goodLayout, alice))],
    stale: [chainOf(metablock({ ...goodLayout, expires: '2026-01-01T00:00:00Z' }, owner))],
    unsupported: [chainOf(metablock({ ...goodLayout, inspect: [inspection] }, owner))],
  },
]
