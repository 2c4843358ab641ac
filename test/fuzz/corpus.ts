// Seeds are the cases of test/vectors: right ones and wrong ones, of every format.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Json, JsonObject } from '#document'

const root = join(import.meta.dirname, '../vectors')
const remembered = new Map<string, readonly JsonObject[]>()

/** The vectors of a folder, of one operation where they have some. */
export function vectors(folder: string, op?: string): readonly JsonObject[] {
  const all =
    remembered.get(folder) ??
    globSync(`${folder}/*.json`, { cwd: root })
      .sort()
      .map((file) => JSON.parse(readFileSync(join(root, file), 'utf8')) as JsonObject)
  remembered.set(folder, all)
  return op === undefined ? all : all.filter((vector) => vector['op'] === op)
}

/** What stands at a path of each vector, as bytes: texts as they are, the rest as JSON. */
export function at(list: readonly JsonObject[], ...path: readonly string[]): readonly Buffer[] {
  return list.flatMap((vector) => {
    const found = path.reduce<Json | undefined>(
      (value, key) =>
        typeof value === 'object' && value !== null ? (value as JsonObject)[key] : undefined,
      vector,
    )
    return found === undefined ? [] : [bytesOf(found)]
  })
}

export function bytesOf(value: Json): Buffer {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
}

/** What an attestation vector feeds: text, JSON or base64. */
export function inputs(list: readonly JsonObject[]): readonly Buffer[] {
  return [
    ...at(list, 'text'),
    ...at(list, 'json'),
    ...at(list, 'base64').map((text) => Buffer.from(text.toString(), 'base64')),
  ]
}
