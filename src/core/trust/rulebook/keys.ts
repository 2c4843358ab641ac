import type { KeyObject } from 'node:crypto'
import { parseYaml, type Path } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import { z } from 'zod'
import { checkDocument } from '../check-document.ts'
import { readPublicKey } from '../public-key.ts'
import { schemeNames, schemesOf, type Scheme } from '../scheme.ts'

/** Those who sign the files of a rulebook, and how many of them have to. */
export interface RulebookKeys {
  /** The first ones are pinned in the configuration; each later edition is signed by the one before and by itself. */
  readonly version: number
  readonly keys: readonly RulebookKey[]
  readonly threshold: number
  /** From then on nothing that they have signed is believed. */
  readonly expires?: Date
  readonly where: string
}

export interface RulebookKey {
  readonly keyid: string
  readonly key: KeyObject
  readonly scheme: Scheme
  readonly owner: string
}

/** One key as it is written, in the configuration and in a file of keys. */
export interface RulebookKeyEntry {
  readonly owner: string
  readonly publicKey: string
  readonly scheme?: Scheme | undefined
}

/** The keys, wherever they are written. */
export interface RulebookKeysEntry {
  readonly version: number
  readonly keys: readonly RulebookKeyEntry[]
  readonly threshold: number
  readonly expires?: string | undefined
}

const time = z.iso.datetime({
  offset: true,
  error: 'a time with zone such as 2026-01-01T00:00:00Z (RFC 3339)',
})

const keysSchema = z.strictObject({
  apiVersion: z.literal('sallyport.dev/v1'),
  kind: z.literal('RulebookKeys'),
  metadata: z.strictObject({
    name: z.string().min(1).max(128),
    owner: z.string().min(1).max(200),
    version: z
      .int()
      .min(2)
      .max(2 ** 31)
      .describe('one more than that of the keys before'),
    expires: time.optional(),
  }),
  threshold: z.int().min(1).max(64),
  keys: z
    .array(
      z.strictObject({
        owner: z.string().min(1).max(200),
        publicKey: z.string().max(20_000).describe('PEM, SubjectPublicKeyInfo'),
        scheme: z.enum(schemeNames).optional(),
      }),
    )
    .min(1)
    .max(64),
})

/**
 * Reads a file of keys that is to replace those before it. Whether it may is asked by `rotateKeys`.
 *
 * @throws SallyportError DOCUMENT_…, TRUST_KEY_…, RULEBOOK_KEYS
 */
export function parseRulebookKeys(bytes: Uint8Array, file: string): RulebookKeys {
  const { value, locate } = parseYaml(bytes, { file })
  const shape = checkDocument(keysSchema, value, { what: 'the keys of the rulebook', locate })
  const { version, expires } = shape.metadata
  return readRulebookKeys({ ...shape, version, expires }, (path) => locate(path))
}

/**
 * Reads keys: each once, each of a known kind, and enough owners for the threshold.
 *
 * @throws SallyportError TRUST_KEY_…, RULEBOOK_KEYS
 */
export function readRulebookKeys(
  entry: RulebookKeysEntry,
  locate: (path: Path) => string,
): RulebookKeys {
  const problems: Problem[] = []
  const materials = new Set<string>()
  const keys = entry.keys.flatMap((one, index) => {
    const where = locate(['keys', index])
    try {
      const { keyid, key, algorithm, material } = readPublicKey(one.publicKey, where)
      if (materials.has(material)) problems.push(twice(keyid, where))
      materials.add(material)
      const [only, ...others] = schemesOf(algorithm)
      const scheme = one.scheme ?? (others.length === 0 ? only : undefined)
      if (scheme === undefined || !schemesOf(algorithm).includes(scheme)) {
        problems.push(noScheme(schemesOf(algorithm), one.scheme, where))
        return []
      }
      return [{ keyid, key, scheme, owner: one.owner }]
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error
      problems.push(...error.problems)
      return []
    }
  })
  const owners = new Set(entry.keys.map(({ owner }) => owner))
  if (owners.size < entry.threshold) {
    problems.push(tooFewOwners(entry.threshold, owners, locate(['threshold'])))
  }
  SallyportError.throwAll(problems)
  const { version, threshold, expires } = entry
  return {
    version,
    keys,
    threshold,
    where: locate([]),
    ...(expires === undefined ? {} : { expires: new Date(expires) }),
  }
}

function twice(keyid: string, where: string): Problem {
  return {
    code: 'RULEBOOK_KEYS',
    where,
    expected: 'each key once: a key that stands twice would count twice',
    found: `key ${keyid.slice(0, 16)}… a second time`,
    fix: 'Remove one of the two, or have its owner make a key of their own with `sallyport rulebook key`',
  }
}

function noScheme(possible: readonly Scheme[], found: string | undefined, where: string): Problem {
  return {
    code: 'RULEBOOK_KEYS',
    where,
    expected: `a scheme for this key: ${possible.join(', ')}`,
    found: found === undefined ? 'none' : quote(found),
    fix: `Write \`scheme: ${possible[0] ?? ''}\` beside the key, if that is how its owner signs`,
  }
}

function tooFewOwners(threshold: number, owners: ReadonlySet<string>, where: string): Problem {
  return {
    code: 'RULEBOOK_KEYS',
    where,
    expected: `at most ${owners.size}: the keys belong to ${[...owners].map((name) => quote(name)).join(', ')}, and an owner counts once`,
    found: String(threshold),
    fix: 'Lower the threshold, or add keys of other people',
  }
}
