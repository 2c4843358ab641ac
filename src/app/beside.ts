import { open, type FileHandle } from 'node:fs/promises'
import { SallyportError } from '#error'

const newline = Buffer.from('\n')

/**
 * Adds one attestation to a file of them, such as `ARTIFACT.sigstore.jsonl`, where evidence is looked for first; one that is
 * there already is there once. One line is written with one call, so that two who add at the same time do not mix.
 */
export async function appendAttestation(file: string, bytes: Uint8Array): Promise<string> {
  try {
    const handle = await open(file, 'a+', 0o644)
    try {
      await handle.appendFile(lineAfter(await whatIsIn(handle), bytes))
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (cause) {
    throw new SallyportError(
      {
        code: 'FILE_UNWRITABLE',
        where: file,
        expected: 'a file beside the artifact that this user can write',
        found: (cause as NodeJS.ErrnoException).code ?? 'an unknown error',
        fix: `Make the folder of ${file} writable, or copy the artifact to one that is`,
      },
      { cause },
    )
  }
  return file
}

/** Of a pipe nothing is read. */
async function whatIsIn(handle: FileHandle): Promise<Uint8Array> {
  return (await handle.stat()).isFile() ? await handle.readFile() : new Uint8Array()
}

function lineAfter(there: Uint8Array, bytes: Uint8Array): Uint8Array {
  const before = Buffer.concat([newline, there])
  const line = Buffer.concat([bytes, newline])
  const own = Buffer.concat([newline, line])
  if (Buffer.concat([before, newline]).includes(own)) return new Uint8Array()
  return before.at(-1) === newline[0] ? line : own
}
