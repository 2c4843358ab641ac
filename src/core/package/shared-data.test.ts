import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { SallyportError } from '#error'
import {
  canonicalPurl,
  compareVersions,
  formatPurl,
  parseLicense,
  parsePurl,
  type Purl,
} from '#package'

// Vectors that others made: run where they lie beside the repository.
const data = resolve(import.meta.dirname, '../../../../shared/data/vectors')
const options = existsSync(data) ? {} : { skip: 'skipped: no ../shared' }

interface Vector {
  readonly id: string
  readonly op: string
  readonly in: Readonly<Record<string, unknown>>
  readonly expect: { readonly ok: boolean; readonly out?: unknown }
}

const operations: Readonly<Record<string, (input: Vector['in']) => unknown>> = {
  'purl.parse': ({ input }) => withNulls(parsePurl(String(input))),
  'purl.validate': ({ input }) => canonicalPurl(String(input)),
  'purl.build': ({ input }) => formatPurl(withoutNulls(input)),
  'spdx.parse': ({ expression }) => void parseLicense(String(expression)),
  'version.compare': ({ ecosystem, a, b }) =>
    compareVersions(String(ecosystem), String(a), String(b)),
}

for (const suite of ['purl', 'spdx-expression', 'osv-version-order']) {
  test(`every case of ${suite} has the expected outcome`, options, () => {
    const lines = readFileSync(`${data}/${suite}.ndjson`, 'utf8').trim().split('\n')
    for (const line of lines) {
      const { id, op, in: input, expect } = JSON.parse(line) as Vector
      assert.deepEqual(outcome(op, input), expect, id)
    }
  })
}

function outcome(op: string, input: Vector['in']): Vector['expect'] {
  try {
    const out = operations[op]?.(input)
    return out === undefined ? { ok: true } : { ok: true, out }
  } catch (error) {
    if (error instanceof SallyportError) return { ok: false }
    throw error
  }
}

function withNulls(purl: Purl): unknown {
  const { type, name } = purl
  const { namespace = null, version = null, qualifiers = null, subpath = null } = purl
  return { type, namespace, name, version, qualifiers, subpath }
}

function withoutNulls(input: unknown): Purl {
  const parts = Object.entries(input as object).filter(([, part]) => part !== null)
  return Object.fromEntries(parts) as unknown as Purl
}
