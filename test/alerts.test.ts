import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { load } from 'js-yaml'

const root = resolve(import.meta.dirname, '..')
const rulesFile = 'deploy/prometheus/sallyport.rules.yaml'

interface Rule {
  readonly record?: string
  readonly alert?: string
  readonly expr: string
  readonly for?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

interface Tried {
  readonly tests: readonly {
    readonly alert_rule_test?: readonly {
      readonly alertname: string
      readonly exp_alerts: readonly unknown[]
    }[]
  }[]
}

const { groups } = load(readFileSync(join(root, rulesFile), 'utf8')) as {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[]
}
const rules = groups.flatMap((group) => group.rules)
const recorded = new Set(rules.flatMap(({ record = [] }) => record))

/** Every metric that the program registers: its name stands in the sources where it is made. */
const exported = new Set(
  globSync('src/**/*.ts', { cwd: root, exclude: ['**/*.test.ts'] }).flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/'(sallyport_[a-z0-9_]+)'/g)].map(
      ([, name = '']) => name,
    ),
  ),
)

/** Names of a histogram are those of its series. */
function metricOf(series: string): string {
  const base = series.replace(/_(?:bucket|count|sum)$/, '')
  return exported.has(base) ? base : series
}

test('every metric of the rules is exported by the gate', () => {
  assert.ok(exported.size > 15)
  for (const { expr } of rules) {
    const named = expr.match(/\bsallyport[a-z0-9_:]+/g) ?? []
    assert.ok(named.length > 0, expr)
    for (const name of named)
      assert.ok(recorded.has(name) || exported.has(metricOf(name)), `${name} in ${expr}`)
  }
})

test('every metric that the documentation names is exported, or recorded by the rules', () => {
  const files = globSync('docs/*.md', { cwd: root })
  for (const file of files)
    for (const name of readFileSync(join(root, file), 'utf8').match(/\bsallyport_[a-z0-9_]{4,}/g) ??
      [])
      if (!/^sallyport_(?:steps|env)$/.test(name))
        assert.ok(exported.has(metricOf(name)), `${name} in ${file}`)
})

test('every alert says how bad it is, in words, and where it stands what to do', () => {
  for (const { alert, record, labels = {}, annotations = {} } of rules) {
    assert.notEqual(alert === undefined, record === undefined)
    if (alert === undefined) continue
    assert.match(labels['severity'] ?? '', /^(?:critical|warning|info)$/)
    assert.ok((annotations['summary'] ?? '').length > 10)
    const [file = '', anchor] = (annotations['runbook'] ?? '').split('#')
    const titles = anchorsOf(readFileSync(join(root, file), 'utf8'))
    assert.ok(anchor === undefined || titles.includes(anchor), `${file}#${anchor}`)
  }
})

test('of every alert it is tried when it rings, and when not (`promtool test rules`)', () => {
  const tests = globSync('test/peers/promtool/*.yaml', { cwd: root }).flatMap(
    (file) => (load(readFileSync(join(root, file), 'utf8')) as Tried).tests,
  )
  const tried = tests.flatMap(({ alert_rule_test = [] }) => alert_rule_test)
  for (const { alert } of rules)
    if (alert !== undefined)
      assert.deepEqual(
        new Set(
          tried
            .filter(({ alertname }) => alertname === alert)
            .map(({ exp_alerts }) => exp_alerts.length > 0),
        ),
        new Set([false, true]),
        alert,
      )
})

function anchorsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-'),
  )
}

test('what is opened in an expression is closed in it', () => {
  for (const { expr } of rules) {
    let depth = 0
    for (const character of expr.replaceAll(/"[^"]*"/g, '')) {
      if ('([{'.includes(character)) depth += 1
      if (')]}'.includes(character)) depth -= 1
      assert.ok(depth >= 0, expr)
    }
    assert.equal(depth, 0, expr)
  }
})

test('labels that rules select and sum by are those of the metrics', () => {
  const source = readFileSync(join(root, 'src/server/metrics.ts'), 'utf8')
  const used = rules.flatMap(({ expr }) => [
    ...[...expr.matchAll(/(\w+)="/g)].map(([, label = '']) => label),
    ...[...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(', ')),
  ])
  assert.ok(used.length > 10)
  for (const label of used)
    assert.ok(label === 'le' || source.includes(`'${label}'`), `${label} is no label`)
})
