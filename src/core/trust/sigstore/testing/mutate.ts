// Changes bundles as nobody would: bits, bytes, lengths and parts, in the document and inside its base64.
import type { Json, JsonObject } from '#document'

/** Numbers that look random and are the same each time (mulberry32). */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

type Random = ReturnType<typeof randomFrom>

/** A bundle with one to three changes; `others` lend parts. */
export function mutated(bundle: JsonObject, others: readonly JsonObject[], random: Random): Buffer {
  let json: Json = bundle
  const changes = 1 + random(3)
  for (let count = 0; count < changes; count += 1) {
    const places = leavesOf(json)
    const path = places[random(places.length)] ?? []
    json = changedAt(json, path, (value) => change(value, path, others, random))
  }
  const bytes = Buffer.from(JSON.stringify(json))
  return random(20) === 0 ? changedBytes(bytes, random) : bytes
}

function change(
  value: Json,
  path: readonly string[],
  others: readonly JsonObject[],
  random: Random,
): Json {
  switch (random(8)) {
    case 0:
      return lent(path, others, random)
    case 1:
      return odd[random(odd.length)] ?? null
    default:
      return typeof value === 'string' ? changedText(value, random) : value
  }
}

const odd: readonly Json[] = [
  '',
  '0',
  '-1',
  '9007199254740993',
  null,
  [],
  {},
  0,
  1e308,
  true,
  '\u0000',
  'A'.repeat(5000),
]

/** The same place of another bundle: right in itself, wrong here. */
function lent(path: readonly string[], others: readonly JsonObject[], random: Random): Json {
  const other: Json = others[random(others.length)] ?? {}
  const depth = 1 + random(path.length)
  const found = path.slice(0, depth).reduce<Json>((value, key) => fieldOf(value, key), other)
  return depth === path.length
    ? found
    : path.slice(depth).reduce<Json>((value, key) => fieldOf(value, key), found)
}

function changedText(text: string, random: Random): string {
  const bytes = Buffer.from(text, 'base64')
  const isBase64 = bytes.length > 8 && bytes.toString('base64') === text
  return isBase64
    ? changedBytes(bytes, random).toString('base64')
    : changedBytes(Buffer.from(text), random).toString('latin1')
}

/** One bit, one byte, a piece less, a piece twice, or another length in DER. */
export function changedBytes(bytes: Buffer, random: Random): Buffer {
  const copy = Buffer.from(bytes)
  const at = random(Math.max(1, copy.length))
  switch (random(5)) {
    case 0:
      copy[at] = (copy[at] ?? 0) ^ (1 << random(8))
      return copy
    case 1:
      copy[at] = random(256)
      return copy
    case 2:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + 1 + random(8))])
    case 3:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at), copy.subarray(at)])
    default:
      copy[at] = [0x00, 0x30, 0x31, 0x80, 0x82, 0x84, 0xa0, 0xff][random(8)] ?? 0
      return copy
  }
}

function leavesOf(value: Json, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  return Object.entries(value).flatMap(([key, item]) => leavesOf(item, [...path, key]))
}

function changedAt(
  value: Json,
  [key, ...rest]: readonly string[],
  change: (old: Json) => Json,
): Json {
  if (key === undefined) return change(value)
  const changed = changedAt(fieldOf(value, key), rest, change)
  if (!Array.isArray(value)) return { ...(value as JsonObject), [key]: changed }
  return (value as readonly Json[]).map((item, index) => (String(index) === key ? changed : item))
}

function fieldOf(value: Json, key: string): Json {
  if (typeof value !== 'object' || value === null) return null
  return (value as JsonObject)[key] ?? null
}
