import { constants } from 'node:fs'
import { chmod, copyFile, mkdir, mkdtemp, open, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

/** Copies of files that nobody else can reach: what is decided about, and what is deployed. */
export interface PinnedFiles extends AsyncDisposable {
  /** Copies a file; gives the path of the copy, which keeps its name. */
  copy(path: string): Promise<string>
}

/**
 * Opens a private folder for copies; it is removed with all that is in it. A decision about the copy holds for as long as
 * the folder does, whatever becomes of the original, or of a link to it. It lies below TMPDIR.
 */
export async function openPinnedFiles(): Promise<PinnedFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-pinned-'))
  let count = 0
  return {
    async copy(path) {
      count += 1
      const own = join(folder, String(count))
      await mkdir(own, { mode: 0o700 })
      const to = join(own, basename(path))
      await copyOpened(path, to)
      await chmod(own, 0o500)
      return to
    },
    async [Symbol.asyncDispose]() {
      for (const name of await readdir(folder)) await chmod(join(folder, name), 0o700)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** What was opened is what is copied, whatever its name leads to a moment later. A pipe in its place is not waited for. */
async function copyOpened(path: string, to: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const info = await handle.stat()
    if (!info.isFile()) throw Object.assign(new Error('no regular file'), { code: 'EINVAL' })
    // Where the file system can share blocks, a large image costs nothing.
    const flags = constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL
    await copyFile(`/proc/self/fd/${handle.fd}`, to, flags)
    await chmod(to, (info.mode & 0o100) === 0 ? 0o400 : 0o500)
  } finally {
    await handle.close()
  }
}
