// Whoever reads the documents gets where they point, and from the README to all of them.
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..')
const pages = globSync(['*.md', '{docs,src,deploy,test,scripts,bench}/**/*.md'], { cwd: root })

interface Link {
  readonly from: string
  readonly text: string
  readonly path: string
  readonly anchor: string
}

test('every link leads somewhere', () => {
  const dead = pages.flatMap(linksOf).filter((link) => !leadsSomewhere(link))
  assert.deepEqual(
    dead.map(({ from, text }) => `${from}: ${text}`),
    [],
  )
})

test('every document can be reached from the README', () => {
  const reached = new Set(['README.md'])
  // A set goes on with what is added meanwhile.
  for (const page of reached)
    for (const { path } of linksOf(page))
      for (const next of [path, join(path, 'README.md')])
        if (pages.includes(next)) reached.add(next)
  const lost = pages.filter((page) => page.startsWith('docs/') && !reached.has(page))
  assert.deepEqual(lost, [])
})

test('an entry of the requirements is there once, and what proves it is there', () => {
  const rows = readFileSync(join(root, 'docs/requirements.md'), 'utf8').matchAll(
    /^\| ([A-Z]+-\d+) +\| (met|part) +\| (.*?) *\|$/gm,
  )
  const seen = new Set<string>()
  for (const [, entry = '', status = '', proof = ''] of rows) {
    assert.ok(!seen.has(entry), `${entry} is there twice`)
    seen.add(entry)
    for (const path of pathsIn(proof))
      assert.ok(existsSync(join(root, path)), `${entry}: ${path} is not there`)
    assert.ok(status === 'part' || proof.includes('`'), `${entry}: nothing runs that proves it`)
  }
  assert.ok(seen.size > 100, `${seen.size} entries were read`)
})

function pathsIn(text: string): readonly string[] {
  return [...text.matchAll(/`((?:src|test|bench|scripts|deploy|docs)\/[^`\s]*)`/g)].map(
    ([, path = '']) => path,
  )
}

function linksOf(from: string): readonly Link[] {
  const links = prose(readFileSync(join(root, from), 'utf8')).matchAll(/\]\(([^()\s]+)\)/g)
  return [...links].flatMap(([, text = '']) => {
    if (/^[a-z]+:/.test(text)) return []
    const [file = '', anchor = ''] = text.split('#')
    return [{ from, text, path: file === '' ? from : normalize(join(dirname(from), file)), anchor }]
  })
}

function leadsSomewhere({ path, anchor }: Link): boolean {
  const file = join(root, path)
  if (!existsSync(file)) return false
  return anchor === '' || !path.endsWith('.md') || anchorsOf(file).has(anchor)
}

/** As GitHub makes them. */
function anchorsOf(file: string): ReadonlySet<string> {
  const headings = prose(readFileSync(file, 'utf8')).matchAll(/^#+ (.+)$/gm)
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

/** Without examples: what stands in them is no link and no heading. */
function prose(text: string): string {
  return text.replaceAll(/^ *```[^]*?^ *```/gm, '')
}
