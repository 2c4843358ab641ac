import { createHash } from 'node:crypto'
import { SallyportError } from '#error'
import type { Growing } from './growing.ts'
import type { Part } from './manifest.ts'

/** Takes what passes by, and keeps it when it was the right thing. */
export interface Keeper {
  write(chunk: Uint8Array): Promise<void>
  /** The whole was there, and its digest is right. */
  commit(): Promise<void>
  /** Does nothing after `commit`. */
  abort(): Promise<void>
  /** Where it is kept meanwhile; undefined where it is not kept. */
  readonly growing?: Growing
}

export const nobody: Keeper = {
  write: () => Promise.resolve(),
  commit: () => Promise.resolve(),
  abort: () => Promise.resolve(),
}

/**
 * Passes on the bytes of a blob, and holds the last of them back until the digest of all is right: who gets them over a
 * connection that is cut instead cannot take them for the whole.
 *
 * @throws SallyportError PROXY_UPSTREAM when they are not what the digest says
 */
export async function* checked(
  source: AsyncIterable<Uint8Array>,
  { sha256, size }: Part,
  { from, keeper = nobody }: { readonly from: string; readonly keeper?: Keeper },
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  let seen = 0
  let held: Uint8Array | undefined
  try {
    for await (const chunk of source) {
      if (chunk.length === 0) continue
      seen += chunk.length
      if (seen > size) throw otherBytes(sha256, size, from, `more than ${size} bytes`)
      hash.update(chunk)
      await keeper.write(chunk)
      if (held !== undefined) yield held
      held = chunk
    }
    const found = hash.digest('hex')
    if (seen !== size) throw otherBytes(sha256, size, from, `${seen} bytes`)
    if (found !== sha256) throw otherBytes(sha256, size, from, `bytes with sha256:${found}`)
    await keeper.commit()
    if (held !== undefined) yield held
  } finally {
    await keeper.abort()
  }
}

function otherBytes(sha256: string, size: number, from: string, found: string): SallyportError {
  return new SallyportError({
    code: 'PROXY_UPSTREAM',
    where: from,
    expected: `${size} bytes with the digest sha256:${sha256}`,
    found,
    fix: 'Ask again; if it happens again, push the image to that registry anew, and find out who changed it',
  })
}
