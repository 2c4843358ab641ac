import { checkShape, encodeCanonical, parseJson } from '#document'
import { quote, type Problem } from '#error'
import { z } from 'zod'
import type { RulebookFile } from './statement.ts'

/** The newest edition of each file that was ever believed, by `KIND/NAME`. */
export type RulebookMemory = ReadonlyMap<
  string,
  { readonly version: number; readonly sha256: string }
>

const schema = z.strictObject({
  apiVersion: z.literal('sallyport.dev/v1'),
  kind: z.literal('RulebookMemory'),
  seen: z.record(
    z.string().max(300),
    z.strictObject({
      version: z
        .int()
        .min(1)
        .max(2 ** 31),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
})

/** @throws SallyportError DOCUMENT_… when it is not exactly a memory */
export function parseRulebookMemory(bytes: Uint8Array): RulebookMemory {
  const what = 'the memory of the rulebook'
  return new Map(Object.entries(checkShape(schema, parseJson(bytes, { what }), { what }).seen))
}

export function encodeRulebookMemory(memory: RulebookMemory): Uint8Array {
  return encodeCanonical({
    apiVersion: 'sallyport.dev/v1',
    kind: 'RulebookMemory',
    seen: Object.fromEntries(memory),
  })
}

/** What is remembered once these files have been believed; undefined when that is what is remembered already. */
export function remember(
  memory: RulebookMemory,
  files: readonly RulebookFile[],
): RulebookMemory | undefined {
  const newer = files.filter(({ kind, name, version }) => {
    const known = memory.get(`${kind}/${name}`)
    return known === undefined || known.version < version
  })
  if (newer.length === 0) return undefined
  const next = new Map(memory)
  for (const { kind, name, version, sha256 } of newer)
    next.set(`${kind}/${name}`, { version, sha256 })
  return next
}

/** What was believed before and is older now, or the same edition with other words: somebody goes back. */
export function rollbacks(
  memory: RulebookMemory,
  files: readonly (RulebookFile & { readonly file: string })[],
): readonly Problem[] {
  return files.flatMap(({ kind, name, version, sha256, file }): readonly Problem[] => {
    const known = memory.get(`${kind}/${name}`)
    if (known === undefined || known.version < version) return []
    if (known.version === version && known.sha256 === sha256) return []
    return [
      {
        code: 'RULEBOOK_ROLLBACK',
        where: file,
        expected: `${kind} ${quote(name)} of version ${known.version} with sha256 ${known.sha256}, or a later one`,
        found: `version ${version} with sha256 ${sha256}`,
        fix: `Restore the newest signed edition of ${file}; what an older one said is signed again as version ${known.version + 1}`,
      },
    ]
  })
}
