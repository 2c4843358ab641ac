import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { SallyportError } from '#error'
import { evaluateRecipe } from './evaluate.ts'
import { parseRecipe } from './parse.ts'
import { parsePattern } from './pattern.ts'
import { parseDuration, parseSize } from './units.ts'

const base = {
  schema: 'https://sallyport.dev/recipe/v1',
  package: 'pkg:npm/thing',
  platform: 'linux/amd64',
  lock: 'sallyport.lock.json',
  root: { debian: ['dash', 'coreutils'] },
  parameters: {
    target: { enum: ['release', '--debug'], default: 'release' },
    tag: { pattern: '^[a-z0-9.-]{1,20}$', default: 'v1' },
  },
  env: { CI: 'true' },
  steps: [
    {
      id: 'build',
      run: [['sh', 'build.sh', '${parameters.target}']],
      outputs: [{ path: 'out', type: 'directory' }],
    },
    {
      id: 'pack',
      inputs: ['build'],
      run: [['cp', '/in/build/out/a', 'a.tgz']],
      outputs: [{ path: 'a.tgz', type: 'file' }],
    },
  ],
  outputs: [{ step: 'pack', path: 'a.tgz' }],
}
type Base = typeof base

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
const parse = (value: unknown): ReturnType<typeof parseRecipe> =>
  parseRecipe(encode(value), { file: 'sallyport.build.json' })
function codes(run: () => unknown): string[] {
  try {
    run()
  } catch (cause) {
    if (cause instanceof SallyportError) return cause.problems.map(({ code }) => code)
    throw cause
  }
  return []
}
const broken = (change: (recipe: Base & Record<string, unknown>) => unknown): string[] => {
  const recipe = structuredClone(base)
  change(recipe)
  return codes(() => parse(recipe))
}
const firstRun = (recipe: Base): string[] => recipe.steps[0]?.run[0] ?? []

test('a recipe without mistakes is read', () => {
  assert.equal(parse(base).steps.length, 2)
})

test('an unknown field is refused, at every level', () => {
  assert.deepEqual(
    broken((recipe) => (recipe['network'] = true)),
    ['DOCUMENT_UNKNOWN_FIELD'],
  )
  assert.deepEqual(
    broken((recipe) => Object.assign(recipe.steps[0] ?? {}, { network: 'host' })),
    ['DOCUMENT_UNKNOWN_FIELD'],
  )
})

test('a path that leaves the source, or enters .git, is refused', () => {
  for (const path of [
    '../key.pem',
    '/etc/passwd',
    'a/../../b',
    './a',
    '.git/HEAD',
    'a/.GIT/x',
    '',
    'a//b',
    'a\\b',
    'a b',
    'a\nb',
    '..',
  ]) {
    assert.deepEqual(
      broken((recipe) => (recipe.steps[0]!.outputs[0]!.path = path)).slice(0, 1),
      ['DOCUMENT_SHAPE'],
      path,
    )
  }
})

test('a parameter is a whole argument or nothing', () => {
  assert.deepEqual(
    broken((recipe) => firstRun(recipe).push('--x=${parameters.target}')),
    ['RECIPE_COMMAND'],
  )
  assert.deepEqual(
    broken((recipe) => firstRun(recipe).push('${parameters.target}${parameters.target}')),
    ['RECIPE_COMMAND'],
  )
  assert.deepEqual(
    broken((recipe) => firstRun(recipe).push('${parameters.none}')),
    ['RECIPE_REFERENCE'],
  )
  assert.deepEqual(
    broken((recipe) => firstRun(recipe).push('${parameters.__proto__}')),
    ['RECIPE_REFERENCE'],
  )
  assert.deepEqual(
    broken((recipe) => (firstRun(recipe)[0] = '${parameters.target}')),
    ['RECIPE_COMMAND'],
  )
  assert.deepEqual(
    broken((recipe) => Object.assign(recipe.env, { A: '${parameters.target}' })),
    ['RECIPE_ENVIRONMENT'],
  )
})

test('the program of a command is a plain name or path', () => {
  for (const program of ['-x', 'a b', '../sh', 'sh;ls', '$(ls)', '']) {
    assert.deepEqual(
      broken((recipe) => (firstRun(recipe)[0] = program)),
      ['RECIPE_COMMAND'],
      program,
    )
  }
})

test('variables that the builder, the loader or npm decide with are refused', () => {
  for (const name of [
    'PATH',
    'path',
    'LD_PRELOAD',
    'LC_ALL',
    'TZ',
    'SOURCE_DATE_EPOCH',
    'npm_config_registry',
    'SALLYPORT_X',
    'ENV',
  ]) {
    assert.deepEqual(
      broken((recipe) => Object.assign(recipe.env, { [name]: 'x' })),
      ['RECIPE_ENVIRONMENT'],
      name,
    )
  }
})

test('a step takes inputs only from earlier steps', () => {
  assert.deepEqual(
    broken((recipe) => (recipe.steps[1]!.inputs = ['pack'])),
    ['RECIPE_REFERENCE'],
  )
  assert.deepEqual(
    broken((recipe) => (recipe.steps[0]!.inputs = ['pack'])),
    ['RECIPE_REFERENCE'],
  )
  assert.deepEqual(
    broken((recipe) => (recipe.steps[1]!.inputs = ['build', 'build'])),
    ['RECIPE_DUPLICATE'],
  )
})

test('an output of the recipe is a declared file of a step', () => {
  assert.deepEqual(
    broken((recipe) => (recipe.outputs[0]!.path = 'b.tgz')),
    ['RECIPE_REFERENCE'],
  )
  assert.deepEqual(
    broken((recipe) => (recipe.outputs[0] = { step: 'build', path: 'out' })),
    ['RECIPE_REFERENCE'],
  )
  assert.deepEqual(
    broken((recipe) => recipe.outputs.push({ step: 'pack', path: 'a.tgz' })),
    ['RECIPE_DUPLICATE'],
  )
})

test('an output inside another output of the step is refused', () => {
  assert.deepEqual(
    broken((recipe) => recipe.steps[0]!.outputs.push({ path: 'out/x', type: 'file' })),
    ['RECIPE_DUPLICATE'],
  )
})

test('sizes and durations have units and bounds', () => {
  assert.equal(parseSize('4GiB'), 4 * 1024 ** 3)
  assert.equal(parseDuration('10m'), 600)
  for (const bad of ['4', '4GB', '0GiB', '-1GiB', '1.5GiB', ' 1GiB', '4 GiB', '4constructor'])
    assert.equal(parseSize(bad), undefined, bad)
  for (const memory of ['65GiB', '4'])
    assert.deepEqual(
      broken((recipe) => (recipe['limits'] = { memory })),
      ['DOCUMENT_SHAPE'],
    )
  assert.deepEqual(
    broken((recipe) => (recipe['limits'] = { wall: '7h' })),
    ['DOCUMENT_SHAPE'],
  )
})

test('a parameter that the recipe does not define is refused', () => {
  assert.deepEqual(
    codes(() => evaluateRecipe(parse(base), { CC: 'evil' })),
    ['BUILD_PARAMETER'],
  )
  assert.deepEqual(
    codes(() =>
      evaluateRecipe(parse(base), JSON.parse('{"__proto__":"x"}') as Record<string, string>),
    ),
    ['BUILD_PARAMETER'],
  )
})

test('only an enumerated value may begin with a hyphen', () => {
  const recipe = parse(base)
  assert.deepEqual(evaluateRecipe(recipe, { target: '--debug' }).steps[0]?.run, [
    ['sh', 'build.sh', '--debug'],
  ])
  assert.deepEqual(
    codes(() => evaluateRecipe(recipe, { tag: '--debug' })),
    ['BUILD_PARAMETER'],
  )
})

test('a default must be a value that the parameter allows', () => {
  assert.deepEqual(
    broken((recipe) => (recipe.parameters.target.default = 'x')),
    ['RECIPE_REFERENCE'],
  )
})

test('whatever a parameter holds, it stays one argument', () => {
  const recipe = parse({
    ...base,
    parameters: { ...base.parameters, target: { pattern: '^[ -~]*$', default: 'x' } },
  })
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 128 }), (value) => {
      let run: readonly (readonly string[])[] = []
      try {
        run = evaluateRecipe(recipe, { target: value }).steps[0]?.run ?? []
      } catch (cause) {
        assert.ok(cause instanceof SallyportError && cause.code === 'BUILD_PARAMETER')
        return
      }
      assert.deepEqual(run, [['sh', 'build.sh', value]])
      assert.ok(!value.startsWith('-'))
    }),
  )
})

test('a pattern matches what the same regular expression matches', () => {
  const patterns = [
    '^[a-z0-9.-]{1,20}$',
    '^v\\d+\\.\\d+$',
    '^a?b*c+$',
    '^[A-F0-9]{4}$',
    '^\\$x{2,3}$',
    '^[a-]*$',
    '^x$',
  ]
  const character = fc.constantFrom(...'abcvxABF019.-$ '.split(''))
  for (const pattern of patterns) {
    const matches = parsePattern(pattern)
    assert.ok(matches !== undefined, pattern)
    fc.assert(
      fc.property(
        fc.string({ unit: character, maxLength: 12 }),
        (text) => matches(text) === new RegExp(pattern).test(text),
      ),
    )
  }
})

test('a pattern that is not anchored, or more than simple, is refused', () => {
  for (const pattern of [
    'a',
    '^a',
    'a$',
    '^(a+)+$',
    '^a|b$',
    '^.*$',
    '^[^a]$',
    '^a{3,1}$',
    '^\\w$',
    '^$',
    '^[z-a]$',
    '^a**$',
    '^a{1,}$',
  ]) {
    assert.equal(parsePattern(pattern), undefined, pattern)
  }
})

test('a pattern is matched in bounded time, whatever the text', () => {
  const matches = parsePattern(`^${'a*'.repeat(60)}b$`)
  assert.equal(matches?.('a'.repeat(128)), false)
})

const vectors = join(import.meta.dirname, '../../../test/vectors/builder/recipe')
for (const file of readdirSync(vectors)) {
  const vector = JSON.parse(readFileSync(join(vectors, file), 'utf8')) as {
    readonly rule: string
    readonly codes: readonly string[]
    readonly recipe: unknown
  }
  test(`vector: ${vector.rule}`, () => {
    const found = new Set(codes(() => parse(vector.recipe)))
    assert.deepEqual([...found], vector.codes)
  })
}
