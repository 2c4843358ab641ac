import { open, rm } from 'node:fs/promises'

/** Writes a file that is not there yet, durably. What could not be written whole is not left; what was there stays. */
export async function writeNew(
  file: string,
  content: string | Uint8Array,
  mode: number,
): Promise<void> {
  await using handle = await open(file, 'wx', mode)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } catch (error) {
    await rm(file, { force: true })
    throw error
  }
}
