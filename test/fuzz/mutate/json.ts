import type { Json, JsonObject } from '#document'
import type { Random } from '../random.ts'
import { mutateBytes } from './bytes.ts'
import { mutateDer } from './der.ts'
import { mutateText, oddText } from './words.ts'

type Path = readonly string[]

/** Changes in a JSON value that know its shape, and what is hidden in its base64. `others` lend their parts. */
export function mutateJson(value: Json, others: readonly Json[], random: Random): Json {
  const places = placesOf(value)
  const path = random.pick(places)
  return changedAt(value, path, (old) => change(old, path, others, random))
}

function change(old: Json, path: Path, others: readonly Json[], random: Random): Json {
  if (random.once(6)) return lent(path, others, random)
  if (random.once(8)) return oddValue(random)
  if (typeof old === 'string') return changedString(old, others, random)
  if (typeof old === 'number') return oddNumber(random)
  if (Array.isArray(old)) return changedList(old as readonly Json[], random)
  if (typeof old === 'object' && old !== null) return changedObject(old as JsonObject, random)
  return oddValue(random)
}

export function oddValue(random: Random): Json {
  switch (random.below(10)) {
    case 0:
      return null
    case 1:
      return random.once(2)
    case 2:
      return []
    case 3:
      return {}
    case 4:
      return oddNumber(random)
    case 5:
      return nested(random.pick([3, 60, 70, 2000]), random.once(2))
    case 6:
      return Array.from({ length: random.pick([2, 100, 3000]) }, () => oddText(random).slice(0, 9))
    case 7:
      return JSON.parse('{"__proto__":{"polluted":true},"constructor":"x"}') as Json
    default:
      return oddText(random)
  }
}

function oddNumber(random: Random): number {
  return random.pick([
    0,
    -0,
    1,
    -1,
    0.1,
    2 ** 31,
    2 ** 32,
    2 ** 53 - 1,
    2 ** 53,
    1e21,
    1e308,
    5e-324,
  ])
}

function nested(depth: number, list: boolean): Json {
  let value: Json = 1
  for (let level = 0; level < depth; level += 1) value = list ? [value] : { a: value }
  return value
}

function changedString(text: string, others: readonly Json[], random: Random): string {
  const inside = hidden(text)
  if (inside === undefined || random.once(8)) return mutateText(text, [], random)
  if (random.once(8)) return otherBase64(text, random)
  const { bytes, json } = inside
  if (json !== undefined && !random.once(6))
    return encode(Buffer.from(JSON.stringify(mutateJson(json, others, random))))
  const isDer = bytes[0] === 0x30 && bytes.length > 16
  return encode(isDer ? mutateDer(bytes, [], random) : mutateBytes(bytes, [], random))
}

function encode(bytes: Buffer): string {
  return bytes.toString('base64')
}

/** What base64 stands for. */
function hidden(text: string): { readonly bytes: Buffer; readonly json?: Json } | undefined {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length < 6 || bytes.toString('base64') !== text) return undefined
  const begins = bytes[0]
  if (begins !== 0x7b && begins !== 0x5b) return { bytes }
  try {
    return { bytes, json: JSON.parse(bytes.toString()) as Json }
  } catch {
    return { bytes }
  }
}

/** The same bytes, spelled in another way, or nearly so. */
function otherBase64(text: string, random: Random): string {
  switch (random.below(5)) {
    case 0:
      return text.replaceAll('+', '-').replaceAll('/', '_')
    case 1:
      return text.replaceAll('=', '')
    case 2:
      return `${text}=`
    case 3:
      return text.replace(/.{60}/g, '$&\n')
    default:
      return text.replace(
        /([A-Za-z0-9+/])(=*)$/,
        (_, last: string, pad: string) => `${next(last)}${pad}`,
      )
  }
}

function next(letter: string): string {
  return String.fromCharCode(letter.charCodeAt(0) + 1)
}

function changedList(list: readonly Json[], random: Random): Json {
  const at = random.below(list.length + 1)
  switch (random.below(4)) {
    case 0:
      return list.filter((_, index) => index !== at)
    case 1:
      return [...list, ...list]
    case 2:
      return list.toReversed()
    default:
      return [...list.slice(0, at), oddValue(random), ...list.slice(at)]
  }
}

function changedObject(object: JsonObject, random: Random): Json {
  const entries = Object.entries(object)
  if (entries.length === 0) return { [oddText(random)]: oddValue(random) }
  const [a, b] = [random.pick(entries), random.pick(entries)]
  switch (random.below(5)) {
    case 0:
      return Object.fromEntries(entries.filter(([key]) => key !== a[0]))
    case 1:
      return { ...object, [oddText(random)]: oddValue(random) }
    case 2:
      return { ...object, [a[0]]: b[1], [b[0]]: a[1] }
    case 3:
      return Object.fromEntries(
        entries.map(([key, value]) => [key === a[0] ? mutateText(key, [], random) : key, value]),
      )
    default:
      return { ...object, [a[0]]: oddValue(random) }
  }
}

/** The same place of another value: right in itself, wrong here. */
function lent(path: Path, others: readonly Json[], random: Random): Json {
  const from = others.length === 0 ? null : random.pick(others)
  const found = path.reduce<Json | undefined>((value, key) => fieldOf(value, key), from)
  if (found !== undefined) return found
  const places = placesOf(from)
  return (
    random.pick(places).reduce<Json | undefined>((value, key) => fieldOf(value, key), from) ?? null
  )
}

export function placesOf(value: Json, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null || path.length > 40) return [path]
  return [
    path,
    ...Object.entries(value)
      .slice(0, 200)
      .flatMap(([key, item]) => placesOf(item, [...path, key])),
  ]
}

function fieldOf(value: Json | undefined, key: string): Json | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.hasOwn(value, key) ? (value as JsonObject)[key] : undefined
}

export function changedAt(value: Json, [key, ...rest]: Path, apply: (old: Json) => Json): Json {
  if (key === undefined) return apply(value)
  const changed = changedAt(fieldOf(value, key) ?? null, rest, apply)
  if (Array.isArray(value))
    return (value as readonly Json[]).map((item, index) => (String(index) === key ? changed : item))
  return { ...(value as JsonObject), [key]: changed }
}

/** How JSON is written is the attacker's choice too: names twice, escapes, white space, numbers as nobody writes them. */
export function writeOddly(value: Json, random: Random): string {
  const plain = JSON.stringify(value, null, random.pick([undefined, 0, 1, 2]))
  if (!random.once(4)) return plain
  switch (random.below(6)) {
    case 0:
      return nameTwice(plain, random)
    case 1:
      return plain.replace(/[a-z]/, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`)
    case 2:
      return plain.replace(
        /(\d+)([,}\]])/,
        random.pick(['$1.0$2', '$1e0$2', '0$1$2', '-$1$2', '1e400$2']),
      )
    case 3:
      return random.pick(['\ufeff', ' ', '\n\n', '\u0000', '[']) + plain
    case 4:
      return plain + random.pick([',', ' x', '}', '\u0000', '\n{}', '\n'])
    default:
      return plain.replace(/"[^"]{3,}"/, (text) => `${text.slice(0, -1)}\\ud800"`)
  }
}

function nameTwice(text: string, random: Random): string {
  const names = [...text.matchAll(/"([A-Za-z_]{2,30})":/g)]
  if (names.length === 0) return text
  const { 0: name, index } = random.pick(names)
  const value = random.pick(['null', '1', '""', '[]', '{}', '"x"'])
  return `${text.slice(0, index)}${name}${value},${text.slice(index)}`
}
