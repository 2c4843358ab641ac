import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { targets } from './targets/index.ts'

/** Exports that are named like parsers, and read nothing that somebody could have made. Each says why. */
const notHostile: Readonly<Record<string, string>> = {
  '#server.readBody':
    'it puts bytes behind each other, and looks at none (src/server/body.test.ts)',
}

/** Functions by their names, and the forms of log entries, which parse. */
const named = /^(?:parse|read|split)[A-Z]|^\w+Form\.parse$/

test('every parser that a module exports is fuzzed', async () => {
  const root = new URL('../../', import.meta.url)
  const manifest = readFileSync(new URL('package.json', root), 'utf8')
  const { imports } = JSON.parse(manifest) as { readonly imports: Readonly<Record<string, string>> }
  const covered = new Set(targets.flatMap(({ covers }) => covers))
  const missing: string[] = []
  for (const [name, path] of Object.entries(imports)) {
    const module = (await import(new URL(path, root).href)) as Readonly<Record<string, unknown>>
    for (const [key, value] of Object.entries(module)) {
      const called = typeof value === 'function' ? key : `${key}.parse`
      const parser = `${name}.${called}`
      if (!named.test(called)) continue
      if (!covered.delete(parser) && !Object.hasOwn(notHostile, parser)) missing.push(parser)
    }
  }
  assert.deepEqual(
    missing,
    [],
    'add a target to test/fuzz/targets, or the reason why nobody hostile writes what it reads to notHostile',
  )
  const others = [...covered].filter((parser) => named.test(parser.slice(parser.indexOf('.') + 1)))
  assert.deepEqual(others, [], 'a target says that it covers what no module exports')
})

test('every target has a name of its own, and seeds or a way to make inputs', () => {
  const names = targets.map(({ name }) => name)
  assert.deepEqual(names.toSorted(), [...new Set(names)].toSorted())
  for (const { name, seeds, make } of targets)
    assert.ok(make !== undefined || seeds().length > 0, name)
})
