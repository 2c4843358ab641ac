import type { Json } from '#document'
import type { Random } from '../random.ts'
import { mutateBytes } from './bytes.ts'
import { mutateDer } from './der.ts'
import { mutateJson, oddValue, writeOddly } from './json.ts'
import { mutateText, oddText } from './words.ts'

/** What an input is made of; it says which changes make sense. */
export type Form = 'json' | 'text' | 'der' | 'bytes'

/** A new input: mostly a seed with one to four changes, sometimes one of which nothing was there before. */
export function mutate(form: Form, seeds: readonly Buffer[], random: Random): Buffer {
  if (seeds.length === 0 || random.once(25)) return generate(form, random)
  const seed = random.pick(seeds)
  if (form === 'json') return mutateDocument(seed, seeds, random)
  let bytes = seed
  for (let count = 1 + random.below(4); count > 0; count -= 1) {
    bytes = once(form, bytes, seeds, random)
  }
  return bytes
}

function once(form: Form, bytes: Buffer, seeds: readonly Buffer[], random: Random): Buffer {
  const others = [random.pick(seeds)]
  if (form === 'der') return mutateDer(bytes, others, random)
  if (form === 'bytes' || random.once(10)) return mutateBytes(bytes, others, random)
  return Buffer.from(mutateText(bytes.toString(), others.map(String), random))
}

function mutateDocument(seed: Buffer, seeds: readonly Buffer[], random: Random): Buffer {
  const parsed = jsonOf(seed)
  if (parsed === undefined || random.once(12))
    return mutateBytes(seed, [random.pick(seeds)], random)
  const other = jsonOf(random.pick(seeds))
  let value = parsed.value
  for (let count = 1 + random.below(4); count > 0; count -= 1) {
    value = mutateJson(value, other === undefined ? [] : [other.value], random)
  }
  const bytes = Buffer.from(writeOddly(value, random))
  return random.once(20) ? mutateBytes(bytes, [], random) : bytes
}

function jsonOf(bytes: Buffer): { readonly value: Json } | undefined {
  try {
    return { value: JSON.parse(bytes.toString()) as Json }
  } catch {
    return undefined
  }
}

function generate(form: Form, random: Random): Buffer {
  switch (form) {
    case 'json':
      return Buffer.from(writeOddly(generateJson(random, 0), random))
    case 'text':
      return Buffer.from(words(random))
    case 'der':
      return generateDer(random, 0)
    case 'bytes':
      return random.bytes(random.below(200))
  }
}

function words(random: Random): string {
  return Array.from({ length: random.below(12) }, () => oddText(random)).join('')
}

const names = ['_type', 'subject', 'digest', 'sha256', 'predicate', 'payload', 'name', 'uri', 'id']

function generateJson(random: Random, depth: number): Json {
  const kind = random.below(depth > 4 ? 2 : 5)
  const count = random.below(5)
  if (kind < 2) return oddValue(random)
  if (kind === 2) return Array.from({ length: count }, () => generateJson(random, depth + 1))
  return Object.fromEntries(
    Array.from({ length: count }, () => [random.pick(names), generateJson(random, depth + 1)]),
  )
}

function generateDer(random: Random, depth: number): Buffer {
  const tag = random.pick([0x30, 0x31, 0xa0, 0x02, 0x03, 0x04, 0x06, 0x0c, 0x17, 0x18, 0x01])
  const inside =
    tag >= 0x30 && depth < 6
      ? Buffer.concat(Array.from({ length: random.below(4) }, () => generateDer(random, depth + 1)))
      : random.bytes(random.below(20))
  return Buffer.concat([Buffer.of(tag, Math.min(inside.length, 0x7f)), inside.subarray(0, 0x7f)])
}
