import { sha256Hex } from '#document'
import { parsePolicies, type PolicySet } from '#policy'
import { createVerifier, parseTrust, type Trust, type Verifier } from '#trust'

/** A file with its bytes. */
export interface SourceFile {
  readonly file: string
  readonly bytes: Uint8Array
}

/**
 * What many replays have in common: rulebooks, and the signatures that are good under them. By the names and digests of
 * the files, in this process only; it changes how long a replay takes and nothing else, because validity and revocation
 * are asked anew for each decision.
 */
export interface ReplayMemory {
  trust(file: SourceFile, roots: readonly SourceFile[]): { trust: Trust; verifier: Verifier }
  policies(files: readonly SourceFile[]): PolicySet
}

/** Rulebooks change rarely; in a log they stand one after the other. */
const kept = 4

export function createReplayMemory(): ReplayMemory {
  const trusts = new Map<string, { trust: Trust; verifier: Verifier }>()
  const sets = new Map<string, PolicySet>()
  return {
    trust: (file, roots) =>
      remembered(trusts, keyOf([file, ...roots]), () => {
        const named = new Map(roots.map((root) => [root.file, root.bytes]))
        const trust = parseTrust(file.bytes, { file: file.file, roots: named })
        return { trust, verifier: createVerifier(trust) }
      }),
    policies: (files) => remembered(sets, keyOf(files), () => parsePolicies(files)),
  }
}

function keyOf(files: readonly SourceFile[]): string {
  return JSON.stringify(files.map(({ file, bytes }) => [file, sha256Hex(bytes)]))
}

function remembered<T>(memory: Map<string, T>, key: string, make: () => T): T {
  const known = memory.get(key)
  if (known !== undefined) return known
  const made = make()
  memory.set(key, made)
  const [oldest] = memory.keys()
  if (memory.size > kept && oldest !== undefined) memory.delete(oldest)
  return made
}
