import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import { SallyportError } from '#error'
import {
  canonicalJson,
  checkShape,
  encodeCanonical,
  isObject,
  parseJson,
  parseYaml,
  type Json,
} from './index.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const json = (text: string): Json => parseJson(bytes(text), { what: 'test', maxDepth: 8 })
const yaml = (text: string) => parseYaml(bytes(text), { file: 'p.yaml' })

const refusedJson: readonly (readonly [string, string, string])[] = [
  ['a duplicate key', '{"a":1,"b":{"c":1,"c":2}}', 'DOCUMENT_DUPLICATE_KEY'],
  ['a duplicate key in disguise', '{"a":1,"\\u0061":2}', 'DOCUMENT_DUPLICATE_KEY'],
  ['a duplicate __proto__', '{"__proto__":1,"__proto__":2}', 'DOCUMENT_DUPLICATE_KEY'],
  ['nesting beyond the bound', '['.repeat(9) + ']'.repeat(9), 'DOCUMENT_TOO_DEEP'],
  ['a byte order mark', '\ufeff{}', 'DOCUMENT_SYNTAX'],
  ['a lone surrogate', '"\\ud800"', 'DOCUMENT_SYNTAX'],
  ['an infinite number', '1e999', 'DOCUMENT_SYNTAX'],
  ['an integer beyond 2^53', '9007199254740993', 'DOCUMENT_SYNTAX'],
  ['a trailing comma', '[1,]', 'DOCUMENT_SYNTAX'],
  ['two values', '{}{}', 'DOCUMENT_SYNTAX'],
  ['nothing', '', 'DOCUMENT_SYNTAX'],
]
for (const [name, text, code] of refusedJson) {
  test(`JSON with ${name} is refused`, () => assert.throws(() => json(text), { code }))
}

test('a duplicate key is named', () => {
  assert.throws(() => json('{"x":{"kind":1},"y":["kind"],"kind":1,"kind":2}'), {
    found: 'the key "kind" twice',
  })
})

test('colons and braces inside strings are not structure', () => {
  assert.deepEqual(json('{"a:{[":"\\":{","b":[":"]}'), { 'a:{[': '":{', b: [':'] })
})

test('__proto__ is an ordinary key', () => {
  const value = json('{"__proto__":{"admin":true}}') as Record<string, unknown>
  assert.equal(value['admin'], undefined)
  assert.equal(canonicalJson(value as Json), '{"__proto__":{"admin":true}}')
})

test('bytes that are not UTF-8 are refused', () => {
  assert.throws(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22), { what: 'test' }), {
    code: 'DOCUMENT_SYNTAX',
  })
})

test('a document larger than the bound is refused before it is read', () => {
  assert.throws(() => parseJson(bytes('[1,2,3]'), { what: 'test', maxBytes: 3 }), {
    code: 'DOCUMENT_TOO_LARGE',
  })
})

test('a document of more values than the bound is refused before they are made', () => {
  const read = (text: string) => parseJson(bytes(text), { what: 'test', maxValues: 4 })
  for (const text of ['[1,2,3]', '{"a":{"b":1},"c":2}', '[",,,,[[[[{{{{",""]', '[[],[]]'])
    assert.deepEqual(read(text), JSON.parse(text))
  for (const text of ['[1,2,3,4,5]', '[[],[],[]]', '{"a":1,"b":2,"c":3,"d":4,"e":5}', '[[[[[]]]]]'])
    assert.throws(() => read(text), { code: 'DOCUMENT_TOO_LARGE', found: 'more' })
  const many = bytes(`[${'[],'.repeat(600_000)}1]`)
  assert.throws(() => parseJson(many, { what: 'test' }), { code: 'DOCUMENT_TOO_LARGE' })
})

test('a document of many keys that are very long is refused before they are made; one of long values is not', () => {
  const long = 'a'.repeat(16_400)
  const of = (write: (at: number) => string) =>
    bytes(`{${Array.from({ length: 120 }, (_, at) => write(at)).join(',')}}`)
  assert.throws(
    () =>
      parseJson(
        of((at) => `"${long}${at}":1`),
        { what: 'test' },
      ),
    {
      code: 'DOCUMENT_TOO_LARGE',
      expected: 'at most 100 keys of more than 16000 characters',
    },
  )
  const values = of((at) => `"${at}" : "${long}:"`)
  assert.equal(Object.keys(parseJson(values, { what: 'test' }) as object).length, 120)
  const few = bytes(`{"${long}":{"${long}b":1}}`)
  assert.deepEqual(parseJson(few, { what: 'test' }), { [long]: { [`${long}b`]: 1 } })
})

test('the canonical form survives a round trip', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const plain = JSON.parse(JSON.stringify(value), (_, item: unknown) =>
        Object.is(item, -0) ? 0 : item,
      ) as Json
      if (!isExact(plain)) return
      assert.equal(
        canonicalJson(parseJson(encodeCanonical(plain), { what: 'test' })),
        canonicalJson(plain),
      )
    }),
  )
})

test('RFC 8785: keys sort by UTF-16 code units and numbers are written as ECMAScript does', () => {
  const value = json(
    '{"\\u20ac":1,"\\r":2,"\\ufb33":3,"1":4,"\\ud83d\\ude00":5,"\\u0080":6,"\\u00f6":7,"n":[333333333.33333329,1E30,4.50,2e-3,1e-27]}',
  )
  assert.equal(
    canonicalJson(value),
    '{"\\r":2,"1":4,"n":[333333333.3333333,1e+30,4.5,0.002,1e-27],"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}',
  )
})

/** RFC 8785 as it is defined, piece by piece. */
function defined(value: Json): string {
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(defined).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value)
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, item]) => `${JSON.stringify(key)}:${defined(item)}`).join(',')}}`
}

test('the canonical form is that of RFC 8785 for every value, however many keys and however long', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: fc.constantFrom('"', '\\', '\n', '\u007f', 'a') }),
  )
  const value = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'large', maxDepth: 4 },
      fc.oneof(text, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean()),
      fc.array(tie('value'), { maxLength: 8 }),
      fc.dictionary(text, tie('value'), { maxKeys: 40 }),
    ),
  })).value
  fc.assert(fc.property(value, (value) => assert.equal(canonicalJson(value), defined(value))))
  for (const length of [1, 16_382, 16_383, 16_384, 70_000, 200_000]) {
    const long = ['x'.repeat(length), '\u20ac'.repeat(length), { a: length }]
    assert.equal(canonicalJson(long), defined(long))
  }
})

test('what is no JSON value is not written, and the next value is', () => {
  const wrong = [undefined, Number.NaN, Number.POSITIVE_INFINITY, '\ud800', { '\udfff': 1 }, 1n]
  for (const value of wrong) {
    assert.throws(() => encodeCanonical([value] as unknown as Json), TypeError)
    assert.equal(canonicalJson({ a: [] }), '{"a":[]}')
  }
})

test('bytes of the canonical form stay as they are when the next value is written', () => {
  const first = encodeCanonical({ a: 1 })
  encodeCanonical({ b: 2 })
  assert.equal(Buffer.from(first).toString(), '{"a":1}')
})

test('whatever the bytes, JSON either parses or is a Problem', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (input) => {
      try {
        parseJson(input, { what: 'test' })
      } catch (error) {
        assert.ok(error instanceof SallyportError)
      }
    }),
    { numRuns: 2000 },
  )
})

const refusedYaml: readonly (readonly [string, string, string])[] = [
  ['an alias', 'a: &x 1\nb: *x\n', 'DOCUMENT_SYNTAX'],
  ['a tag', 'a: !!str 1\n', 'DOCUMENT_SYNTAX'],
  ['two documents', 'a: 1\n---\nb: 2\n', 'DOCUMENT_SYNTAX'],
  ['a duplicate key', 'a: 1\nb: 2\na: 3\n', 'DOCUMENT_DUPLICATE_KEY'],
  ['a key that is a list', '? [a]\n: 1\n', 'DOCUMENT_SYNTAX'],
  ['nesting beyond the bound', `${'['.repeat(40)}${']'.repeat(40)}`, 'DOCUMENT_TOO_DEEP'],
  ['a broken quote', 'a: "b\n', 'DOCUMENT_SYNTAX'],
]
for (const [name, text, code] of refusedYaml) {
  test(`YAML with ${name} is refused`, () => assert.throws(() => yaml(text), { code }))
}

test('YAML values are located by line and column, a missing one at its parent', () => {
  const document = yaml(
    'kind: Policy\nrequire:\n  - built: {by: [ci]}\n  - signed:\n      by: []\n',
  )
  assert.equal(document.locate(['require', 1, 'signed', 'by']), 'p.yaml:5:7')
  assert.equal(document.locate(['require', 0, 'built', 'level']), 'p.yaml:3:5')
  assert.equal(document.locate(['kind']), 'p.yaml:1:1')
})

test('dates in YAML stay text', () => {
  assert.deepEqual(yaml('at: 2026-01-01T00:00:00Z\n').value, { at: '2026-01-01T00:00:00Z' })
})

const schema = z.strictObject({ name: z.string(), level: z.union([z.literal(1), z.literal(2)]) })

test('all problems of a shape are reported at once, each with its place', () => {
  const document = yaml('name: 3\nlevel: 9\nextra: true\n')
  assert.throws(
    () => checkShape(schema, document.value, { what: 'policy', locate: document.locate }),
    (error: SallyportError) => {
      assert.deepEqual(
        error.problems.map(({ code, where, found }) => [code, where, found]),
        [
          ['DOCUMENT_SHAPE', 'p.yaml:1:1 name', '3'],
          ['DOCUMENT_SHAPE', 'p.yaml:2:1 level', '9'],
          ['DOCUMENT_UNKNOWN_FIELD', 'p.yaml:3:1 extra', 'the field "extra"'],
        ],
      )
      return true
    },
  )
})

test('a field that is missing is to be written, not corrected', () => {
  for (const [text, fix] of [
    ['{"level":1}', 'Write "name", which is missing'],
    ['{"name":"nothing","level":3}', 'Correct "level"'],
    ['[]', 'Correct the file'],
  ] as const)
    assert.throws(() => checkShape(schema, json(text), { what: 'the file' }), { fix })
})

function isExact(value: Json): boolean {
  if (typeof value === 'number') return !Number.isInteger(value) || Number.isSafeInteger(value)
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value as Record<string, Json>).every(
    ([key, item]) => key.isWellFormed() && isExact(item),
  )
}

test('the key __proto__, over which schemas pass in silence, is refused where they did', () => {
  const map = z.record(z.string(), z.unknown())
  const list = z.array(z.union([z.number(), map]))
  for (const [schema, text, where] of [
    [map, '{"a":"b","__proto__":{"c":1}}', '__proto__'],
    [z.looseObject({ a: z.string() }), '{"a":"b","__proto__":{"c":1}}', '__proto__'],
    [z.object({ map }), '{"map":{"__proto__":1}}', 'map.__proto__'],
    [z.object({ list }), '{"list":[1,{"__proto__":1}]}', 'list.1.__proto__'],
  ] as const) {
    assert.throws(() => checkShape(schema, json(text), { what: 'the file' }), {
      code: 'DOCUMENT_UNKNOWN_FIELD',
      where: `the file: ${where}`,
    })
  }
  const named = checkShape(map, json('{"constructor":1,"toString":2,"a":"__proto__"}'), {
    what: 'the file',
  })
  assert.deepEqual(Object.keys(named), ['constructor', 'toString', 'a'])
})

test('a password in an address is not told with what is wrong about it', () => {
  const schema = z.strictObject({ url: z.string().max(3) })
  const value = { url: 'https://jo:hunter2@registry.example/x' }
  assert.throws(
    () => checkShape(schema, value, { what: 'the file' }),
    (error) =>
      error instanceof SallyportError && !JSON.stringify(error.problems).includes('hunter2'),
  )
})
