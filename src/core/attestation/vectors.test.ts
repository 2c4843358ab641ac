import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import {
  checkInputs,
  checkOmissions,
  jwtStatement,
  pae,
  parseAttestation,
  parseBundle,
  parseEnvelope,
  parseJwt,
  parseStatement,
  readApproval,
  readProvenance,
  splitAttestations,
} from '#attestation'
import { SallyportError } from '#error'

/** One case: what goes in (`json`, `text` or `base64`), and what comes out or which Problem it is. */
interface Vector {
  readonly rule: string
  readonly op: keyof typeof operations
  readonly json?: unknown
  readonly text?: string
  readonly base64?: string
  readonly payloadType?: string
  readonly payload?: string
  readonly expect: { value: unknown } | { text: string } | { code: string; where: string }
}

const operations = {
  parseStatement,
  parseEnvelope,
  parseBundle,
  parseAttestation,
  splitAttestations: (bytes: Uint8Array) =>
    splitAttestations(bytes).map((part) => Buffer.from(part).toString('utf8')),
  readJwt: (bytes: Uint8Array) => {
    const statement = jwtStatement(parseJwt(bytes))
    return { subject: statement.subject, provenance: readProvenance(statement) }
  },
  readProvenance: (bytes: Uint8Array) => readProvenance(parseStatement(bytes)),
  readApproval: (bytes: Uint8Array) => readApproval(parseStatement(bytes)),
  checkInputs: (bytes: Uint8Array) =>
    checkInputs(readProvenance(parseStatement(bytes))).map(({ where }) => where),
  checkOmissions: (bytes: Uint8Array) =>
    checkOmissions(readProvenance(parseStatement(bytes))).map(({ where }) => where),
  pae: (bytes: Uint8Array, vector: Vector) => pae(vector.payloadType ?? '', bytes),
}

const folder = resolve(import.meta.dirname, '../../../test/vectors/attestation')

for (const file of readdirSync(folder).sort()) {
  const vector = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Vector
  test(`${vector.rule} (${file})`, () => {
    const run = () => operations[vector.op](inputOf(vector), vector)
    if ('code' in vector.expect) {
      const { code, where } = vector.expect
      assert.throws(run, (error) => {
        assert(error instanceof SallyportError, String(error))
        assert.deepEqual({ code: error.code, where: error.where }, { code, where })
        return true
      })
    } else {
      const expected =
        'text' in vector.expect ? (JSON.parse(vector.expect.text) as unknown) : vector.expect.value
      assert.deepEqual(plain(run()), expected)
    }
  })
}

function inputOf({ json, text, base64, payload }: Vector): Uint8Array {
  if (text !== undefined) return Buffer.from(text, 'utf8')
  if (json !== undefined) return Buffer.from(JSON.stringify(json), 'utf8')
  return Buffer.from(base64 ?? payload ?? '', 'base64')
}

/** Bytes as base64, everything else as JSON has it. */
function plain(value: unknown): unknown {
  const text = JSON.stringify(value, (_key, item: unknown) =>
    item instanceof Uint8Array ? Buffer.from(item).toString('base64') : item,
  )
  return JSON.parse(text) as unknown
}
