import type { LayoutKey } from './key.ts'
import type { Layout, Step } from './layout-types.ts'

/** One who may do a step, under one id. */
export interface Functionary {
  /** The id that files are named by. */
  readonly id: string
  readonly key: LayoutKey
}

/**
 * Whose links count for a step: the keys that it names, their subkeys, and named subkeys of other keys. A subkey is the
 * same functionary as its main key, and the same key under two ids is one.
 */
export function authorizedKeys({ pubkeys }: Step, { keys }: Layout): readonly Functionary[] {
  const found = new Map<string, Functionary>()
  for (const id of pubkeys) {
    const key = keys.get(id) ?? subkeyOf(id, keys)
    if (key === undefined) continue
    for (const one of [id, ...key.subkeys.keys()]) {
      if (!found.has(one)) found.set(one, { id: one, key: only(one, key) })
    }
  }
  return [...found.values()]
}

/** A file under the id of one key must be signed by that very key. */
function only(id: string, key: LayoutKey): LayoutKey {
  const subkey = key.subkeys.get(id)
  if (subkey !== undefined) return { ...subkey, material: key.material }
  return { ...key, subkeys: new Map() }
}

function subkeyOf(id: string, keys: ReadonlyMap<string, LayoutKey>): LayoutKey | undefined {
  for (const key of keys.values()) {
    const subkey = key.subkeys.get(id)
    if (subkey !== undefined) return { ...subkey, material: key.material }
  }
  return undefined
}
