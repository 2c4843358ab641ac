import { randomBytes } from 'node:crypto'
import { mkdir, stat } from 'node:fs/promises'
import { dirname, relative } from 'node:path'
import { SallyportError } from '#error'
import { writeNew } from '../write-new.ts'

/** One thing in the home folder, and whether this run made it. */
export interface HomeItem {
  /** Relative to the home folder. */
  readonly path: string
  readonly what: string
  readonly state: 'made' | 'kept'
}

type Content = () => string | Promise<string>

/** Makes what is missing in one home folder, never changes what is there, and remembers which was which. */
export class HomeFiles {
  readonly home: string
  readonly items: HomeItem[] = []

  constructor(home: string) {
    this.home = home
  }

  has(file: string): Promise<boolean> {
    return stat(file).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return false
        throw unwritable(file, error)
      },
    )
  }

  /** Whether any of these files is not there. */
  async missing(list: readonly string[]): Promise<boolean> {
    const present = await Promise.all(list.map((file) => this.has(file)))
    return present.includes(false)
  }

  note(file: string, what: string, state: HomeItem['state']): void {
    this.items.push({ path: relative(this.home, file) || '.', what, state })
  }

  /** A folder only its owner can enter. */
  async folder(folder: string, what?: string): Promise<void> {
    const present = await this.has(folder)
    if (!present) await attempt(folder, () => mkdir(folder, { recursive: true, mode: 0o700 }))
    if (what !== undefined) this.note(folder, what, present ? 'kept' : 'made')
  }

  /** A text file; what stands there already wins. */
  async text(file: string, what: string, content: Content): Promise<void> {
    const made = await this.#create(file, content, 0o644)
    this.note(file, what, made ? 'made' : 'kept')
  }

  /**
   * A passphrase nobody needs to know: 256 random bits that only the signer process reads. The word in front tells it
   * that no person chose them, and that there is nothing to stretch.
   */
  async passphrase(file: string): Promise<void> {
    await this.#create(
      file,
      () => `sallyport-generated:${randomBytes(32).toString('base64url')}\n`,
      0o600,
    )
  }

  async #create(file: string, content: Content, mode: number): Promise<boolean> {
    if (await this.has(file)) return false
    await this.folder(dirname(file))
    const text = await content()
    // Half a passphrase would be taken for the one of the next key.
    await attempt(file, () => writeNew(file, text, mode))
    return true
  }
}

async function attempt(file: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    throw unwritable(file, error as NodeJS.ErrnoException)
  }
}

function unwritable(file: string, cause: NodeJS.ErrnoException): SallyportError {
  return new SallyportError(
    {
      code: 'FILE_UNWRITABLE',
      where: file,
      expected: 'a place this user can write to',
      found: cause.code ?? cause.message,
      fix: 'Name another home folder with --home, or make this one writable for you',
    },
    { cause },
  )
}
