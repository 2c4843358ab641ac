// Loaded before the tests by `node scripts/examples.ts`: notes one example of every Problem that they make.
import { appendFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { wrapProblems } from './wrap-problems.ts'

const out = process.env['SALLYPORT_EXAMPLES_FILE']
const known = new Set<string>()
const fields = ['code', 'where', 'expected', 'found', 'fix'] as const

function note(value: Readonly<Record<string, unknown>>): unknown {
  const { code } = value
  const isProblem = fields.every((field) => typeof value[field] === 'string')
  if (isProblem && out !== undefined && !known.has(String(code))) {
    known.add(String(code))
    const example = Object.fromEntries(fields.map((field) => [field, value[field]]))
    appendFileSync(out, `${JSON.stringify(example)}\n`)
  }
  return value
}

Object.defineProperty(globalThis, '__noteProblem', { value: note })

const source = fileURLToPath(new URL('../../src/', import.meta.url))
registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    const isOurs = url.startsWith('file:') && fileURLToPath(url).startsWith(source)
    if (!isOurs || !url.endsWith('.ts') || url.endsWith('.test.ts')) return loaded
    const text = Buffer.from(loaded.source as Uint8Array).toString()
    return { ...loaded, source: wrapProblems(text) }
  },
})
