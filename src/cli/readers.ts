import { SallyportError } from '#error'

export const standardOutput = 'standard output'

/** Of the process, as its streams are: whether it goes on without readers, and what they have not read. */
const state = { outlives: false, lost: 0 }

/**
 * A reader that went away (`sallyport log show | head`) is not an error, and ends the program; unless it outlives them.
 * Output that cannot be written is thrown: FILE_UNWRITABLE.
 */
export function endWithReaders(streams: readonly NodeJS.WriteStream[]): void {
  for (const stream of streams) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (state.outlives) return
      if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0)
      throw unwritten(stream, error)
    })
  }
}

/** What nobody was told must not look like an answer: whoever reads the output sees how it ended. */
function unwritten(stream: NodeJS.WriteStream, cause: NodeJS.ErrnoException): SallyportError {
  return new SallyportError(
    {
      code: 'FILE_UNWRITABLE',
      where: stream === process.stderr ? 'standard error' : standardOutput,
      expected: 'room for what is said',
      found: cause.code ?? cause.message,
      fix: 'Make room where the output goes, and run the command again; what it has recorded stays recorded',
    },
    { cause },
  )
}

/** From now on the program goes on whoever reads: a gate must not stop because its journal is not taken any more. */
export function outliveReaders(): void {
  state.outlives = true
}

/** Writes, and counts what could not be written. */
export function writeTo(stream: NodeJS.WriteStream, text: string): void {
  stream.write(text, (error) => {
    if (error !== undefined && error !== null) state.lost += 1
  })
}

/** How many texts nobody could read. */
export function lostTexts(): number {
  return state.lost
}
