import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import {
  applyVex,
  osvAffects,
  parseAttestation,
  parseCycloneDx,
  parseOpenVex,
  parseStatement,
  readOsv,
  readPredicate,
  type Finding,
  type Vex,
} from '#attestation'
import type { Json } from '#document'
import { SallyportError } from '#error'

// What others made: run where their samples lie beside the repository.
const data = resolve(import.meta.dirname, '../../../../../shared/data')
const options = existsSync(data) ? {} : { skip: 'skipped: no ../shared' }

test('every real SBOM is read, and its components have package URLs', options, () => {
  const files = globSync(`${data}/sbom-real/*.json`)
  assert(files.length >= 7)
  for (const file of files) {
    const { sbom } = parseCycloneDx(readFileSync(file))
    assert.equal(sbom.described.length, 1, file)
    assert(sbom.components.length > 40, file)
    assert(
      sbom.components.every(({ purl }) => purl !== undefined),
      file,
    )
    assert(sbom.components.filter(({ license }) => license !== undefined).length > 40, file)
  }
})

test('CycloneDX documents are accepted and refused as their schemas demand', options, () => {
  const lines = readFileSync(`${data}/vectors/cyclonedx-json.ndjson`, 'utf8').trim().split('\n')
  for (const line of lines) {
    const {
      id,
      in: input,
      expect,
    } = JSON.parse(line) as {
      id: string
      in: { json: string }
      expect: { ok: boolean }
    }
    const parsed = outcome(() => parseCycloneDx(Buffer.from(input.json)))
    assert.equal(parsed !== undefined, expect.ok, id)
  }
})

test("CISA's use cases of VEX in CycloneDX have their known answers", options, () => {
  const abc = 'urn:cdx:cbb2cd68-2857-43b8-a10b-e8c03d277d18/1#product-ABC'
  const jkl = 'urn:cdx:e4c3eedc-4978-470c-ad02-6ffff63738ff/1#product-JKL'
  const log4j = 'CVE-2021-44228'
  const other = 'CVE-2021-45105'
  const cases: readonly (readonly [
    string,
    string,
    string,
    string | undefined,
    string | undefined,
  ])[] = [
    ['Case-1__vex-affected', '', log4j, '1.0', 'affected'],
    ['Case-1__vex-not_affected', '', log4j, '1.0', 'not_affected'],
    ['Case-1__vex-fixed', '', log4j, '1.0', 'fixed'],
    ['Case-1__vex-under_investigation', '', log4j, '1.0', 'under_investigation'],
    ['Case-4__vex', '', log4j, '2.4', 'affected'],
    ['Case-4__vex', '', log4j, '3.0', 'affected'],
    ['Case-4__vex', '', log4j, '2.5', undefined],
    ['Case-5__vex', '', log4j, undefined, 'under_investigation'],
    ['Case-6__vex', '', log4j, '2.6', 'affected'],
    ['Case-6__vex', '', log4j, '2.5', 'not_affected'],
    ['Case-6__vex', '', log4j, '1.5', 'not_affected'],
    ['Case-7__vex', abc, log4j, '2.4', 'affected'],
    ['Case-7__vex', abc, log4j, '4.2', 'not_affected'],
    ['Case-7__vex', jkl, log4j, '4.7', 'affected'],
    ['Case-7__vex', jkl, log4j, '4.4', 'not_affected'],
    ['Case-7__vex', jkl, log4j, '5.1', 'fixed'],
    ['Case-8__vex', jkl, other, '5.1', 'affected'],
    ['Case-8__vex', abc, other, '2.5', 'not_affected'],
    ['Case-8__vex', abc, log4j, '4.0', 'affected'],
  ]
  for (const [name, id, vulnerability, version, expected] of cases) {
    const [file = ''] = globSync(`${data}/cyclonedx-vex/*CISA-Use-Cases__${name}.json`)
    const ids = id === '' ? [] : [id]
    const known = version === undefined ? {} : { version }
    const [judged] = applyVex([finding(vulnerability)], [signed(file)], {
      ...target,
      ids,
      ...known,
    })
    assert.equal(judged?.status, expected, `${name} ${id} ${version}`)
  }
})

test('every VEX document of CycloneDX is read, and says something', options, () => {
  for (const file of globSync(`${data}/cyclonedx-vex/*vex*.json`)) {
    const { vex } = parseCycloneDx(readFileSync(file))
    assert(vex.statements.length > 0, file)
    assert(
      vex.statements.every(({ products }) => products.length > 0),
      file,
    )
  }
})

test('OpenVEX documents of all versions have their known answers', options, () => {
  const image = '124c7d2707904eea7431fffe91522a01e5a861a624ee31d03372cc1d138a3126'
  const vex = openVex('v0.2.0')
  const judge = (id: string, purl: string) =>
    applyVex([finding(id, purl)], [vex], { digests: { sha256: image } })[0]?.status
  assert.equal(judge('CVE-2023-1255', 'pkg:apk/alpine/libssl3@3.0.8-r3?arch=x86_64'), 'fixed')
  assert.equal(judge('CVE-2023-3817', 'pkg:apk/alpine/libcrypto3@3.0.8-r3'), 'not_affected')
  assert.equal(judge('CVE-2023-3817', 'pkg:apk/alpine/libcrypto3@3.0.8-r2'), undefined)
  assert.equal(judge('CVE-2023-3817', 'pkg:apk/alpine/musl@1.2.3'), undefined)
  const bash = [finding('CVE-1234-5678', 'pkg:apk/wolfi/bash@1.0.0')]
  const both = [openVex('v001-2.vex'), openVex('v001-1.vex')]
  assert.equal(applyVex(bash, both, target)[0]?.status, 'fixed')
})

test(
  'every advisory of Go and PyPI is read, and its ranges cover the versions it lists',
  options,
  () => {
    let listed = 0
    let covered = 0
    for (const file of globSync(`${data}/osv/*.ndjson.gz`)) {
      for (const line of gunzipSync(readFileSync(file)).toString('utf8').trim().split('\n')) {
        const advisory = readOsv(JSON.parse(line) as Json, basename(file))
        if (advisory.withdrawn !== undefined) continue
        for (const { ecosystem = '', name = '', versions, ranges } of advisory.affected) {
          if (!ranges.some(({ type }) => type === 'ECOSYSTEM')) continue
          const bare = { ...advisory, affected: [{ ecosystem, name, ranges, versions: [] }] }
          listed += versions.length
          covered += versions.filter((version) =>
            osvAffects(bare, { ecosystem, name, version }),
          ).length
        }
      }
    }
    // The lists of two advisories say more than their ranges.
    assert(listed > 100_000)
    assert.equal(listed - covered, 9)
  },
)

test('what real bundles say is read, or is of a kind that is not known', options, () => {
  const kinds = new Set<string>()
  for (const file of globSync(`${data}/bundles/v/*.json`)) {
    const attestation = outcome(() => parseAttestation(readFileSync(file)))
    if (attestation?.kind !== 'bundle' || attestation.bundle.content.kind !== 'dsseEnvelope')
      continue
    const { payload } = attestation.bundle.content.envelope
    const statement = outcome(() => parseStatement(payload))
    if (statement !== undefined) kinds.add(readPredicate(statement).kind)
  }
  assert.deepEqual([...kinds].sort(), ['provenance', 'release', 'signature', 'unknown', 'vex'])
})

const digest = 'c7c5c1d70c5dec4416ab6158afd0b223ef40c29b1dc1f97ed9428b94d4cadb1c'
const target = { digests: { sha256: digest } }

function finding(id: string, purl?: string): Finding {
  const found = purl === undefined ? {} : { package: { purl } }
  return { id, aliases: [], severity: 'high', fixedIn: [], ...found }
}

/** The document as if it had been signed for the artifact. */
function signed(file: string): Vex {
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ digest: { sha256: digest } }],
    predicateType: 'https://cyclonedx.org/vex',
    predicate: JSON.parse(readFileSync(file, 'utf8')) as unknown,
  }
  const predicate = readPredicate(parseStatement(Buffer.from(JSON.stringify(statement))))
  assert(predicate.kind === 'vex', file)
  return predicate.vex
}

function openVex(name: string): Vex {
  return parseOpenVex(
    readFileSync(`${data}/openvex/openvex+go-vex__pkg__vex__testdata__${name}.json`),
  )
}

function outcome<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    if (error instanceof SallyportError) return undefined
    throw error
  }
}
