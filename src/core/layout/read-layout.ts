import type { Json, JsonObject } from '#document'
import { quote } from '#error'
import { readArtifactRule } from './artifact-rule.ts'
import { readConstant, readFields, readList, readMap, readName, readText } from './fields.ts'
import { readLayoutKey, type LayoutKey } from './key.ts'
import type { Inspection, Item, Layout, Step } from './layout-types.ts'
import { substitute, type Parameters } from './parameters.ts'
import { malformed } from './refuse.ts'

const maxKeys = 1024

/**
 * Reads a layout strictly: no field that the specification does not name, no name twice, every rule well-formed.
 *
 * @throws SallyportError LAYOUT_FORMAT, LAYOUT_KEY, LAYOUT_PARAMETER
 */
export function readLayout(payload: JsonObject, where: string, parameters?: Parameters): Layout {
  readFields(payload, where, ['_type', 'expires', 'keys', 'steps', 'inspect'], ['readme'])
  readConstant(payload['_type'], `${where}: _type`, 'layout')
  const put = substitute(parameters)
  const steps = readList(payload['steps'], `${where}: steps`, (item, at) => readStep(item, at, put))
  const inspect = readList(payload['inspect'], `${where}: inspect`, (item, at) =>
    readInspection(item, at, put),
  )
  refuseTwice([...steps, ...inspect], where)
  return {
    expires: readTime(payload['expires'], `${where}: expires`),
    readme: readText(payload['readme'] ?? '', `${where}: readme`),
    keys: readKeys(payload['keys'], `${where}: keys`),
    steps,
    inspect,
  }
}

type Put = (text: string, where: string) => string

function readStep(value: Json | undefined, where: string, put: Put): Step {
  const fields = [
    '_type',
    'name',
    'threshold',
    'expected_materials',
    'expected_products',
    'pubkeys',
  ]
  const object = readFields(value, where, fields, ['expected_command'])
  readConstant(object['_type'], `${where}._type`, 'step')
  const threshold = object['threshold']
  // A threshold of nought would let a step pass that nobody did.
  if (!Number.isSafeInteger(threshold) || Number(threshold) < 1) {
    throw malformed(`${where}.threshold`, 'a whole number of at least 1', quote(threshold ?? null))
  }
  return {
    ...readItem(object, where, put),
    threshold: Number(threshold),
    pubkeys: [...new Set(readList(object['pubkeys'], `${where}.pubkeys`, readText))],
    expectedCommand: readCommand(
      object['expected_command'] ?? [],
      `${where}.expected_command`,
      put,
    ),
  }
}

function readInspection(value: Json | undefined, where: string, put: Put): Inspection {
  const fields = ['_type', 'name', 'expected_materials', 'expected_products', 'run']
  const object = readFields(value, where, fields)
  readConstant(object['_type'], `${where}._type`, 'inspection')
  const run = readCommand(object['run'], `${where}.run`, put)
  if (run.length === 0) throw malformed(`${where}.run`, 'a command', 'nothing to run')
  return { ...readItem(object, where, put), run }
}

function readItem(object: JsonObject, where: string, put: Put): Item {
  const rules = (field: string) =>
    readList(object[field], `${where}.${field}`, (words, at) =>
      readArtifactRule(putInto(words, at, put), at),
    )
  return {
    name: readName(object['name'], `${where}.name`),
    expectedMaterials: rules('expected_materials'),
    expectedProducts: rules('expected_products'),
  }
}

function putInto(words: Json | undefined, where: string, put: Put): Json {
  if (!Array.isArray(words)) return words ?? null
  return (words as readonly Json[]).map((word) =>
    typeof word === 'string' ? put(word, where) : word,
  )
}

function readCommand(value: Json | undefined, where: string, put: Put): readonly string[] {
  return readList(value, where, (word, at) => put(readText(word, at), at))
}

function readTime(value: Json | undefined, where: string): Date {
  const text = readText(value, where)
  const time = new Date(
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/.test(text) ? text : Number.NaN,
  )
  // A day that does not exist, such as 30 February, would be read as another one.
  if (!Number.isNaN(time.getTime()) && time.toISOString().startsWith(text.slice(0, 10))) return time
  throw malformed(where, 'a time such as 2027-01-31T12:00:00Z', quote(text, 80))
}

function readKeys(value: Json | undefined, where: string): ReadonlyMap<string, LayoutKey> {
  const entries = Object.entries(readMap(value, where))
  if (entries.length > maxKeys) {
    throw malformed(where, `at most ${maxKeys} keys`, String(entries.length))
  }
  return new Map(
    entries.map(([id, key]) => [id, readLayoutKey(key, `${where}.${quote(id, 80)}`, id)]),
  )
}

function refuseTwice(items: readonly Item[], where: string): void {
  const names = items.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice === undefined) return
  throw malformed(where, 'each name of a step or inspection once', `${quote(twice, 100)} twice`)
}
