import { open } from 'node:fs/promises'
import { SallyportError } from '#error'

/**
 * Adds one attestation to a file of them, such as `ARTIFACT.sigstore.jsonl`, where evidence is looked for first. One line
 * is written with one call, so that two who add at the same time do not mix.
 */
export async function appendAttestation(file: string, bytes: Uint8Array): Promise<string> {
  try {
    const handle = await open(file, 'a', 0o644)
    try {
      await handle.appendFile(Buffer.concat([bytes, Buffer.from('\n')]))
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
