import { paintFor, type Paint } from './paint.ts'
import { writeTo } from './readers.ts'

/** Where texts go. The result goes to `out`; what went wrong, and progress, go to `err`. */
export interface Terminal {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly outPaint: Paint
  readonly errPaint: Paint
  /** Columns to wrap at; absent when nobody is watching, so that logs keep whole lines. */
  readonly outWidth?: number
  readonly errWidth?: number
  /** Shows what is being done now, in place; only where a person watches. Without a text it goes away. */
  readonly status: (text?: string) => void
}

const clearLine = '\r\u001b[2K'
const perSecond = 10

export function terminalOf(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): Terminal {
  const status = statusLine(stderr)
  const write = (stream: NodeJS.WriteStream) => (text: string) => {
    status()
    writeTo(stream, text)
  }
  const outWidth = widthOf(stdout)
  const errWidth = widthOf(stderr)
  return {
    out: write(stdout),
    err: write(stderr),
    outPaint: paintFor(stdout),
    errPaint: paintFor(stderr),
    ...(outWidth === undefined ? {} : { outWidth }),
    ...(errWidth === undefined ? {} : { errWidth }),
    status,
  }
}

function widthOf(stream: NodeJS.WriteStream): number | undefined {
  return stream.isTTY ? Math.min(Math.max(stream.columns, 60), 120) : undefined
}

/** One line on a terminal, redrawn at most ten times a second; silence where stderr is a file or a pipe. */
function statusLine(stream: NodeJS.WriteStream): (text?: string) => void {
  if (!stream.isTTY || process.env['TERM'] === 'dumb') return () => undefined
  let shown = false
  let last = 0
  return (text) => {
    if (text === undefined) {
      if (shown) stream.write(clearLine)
      shown = false
      last = 0
      return
    }
    const now = performance.now()
    if (now - last < 1000 / perSecond) return
    last = now
    shown = true
    stream.write(`${clearLine}${text.slice(0, Math.max(20, stream.columns - 1))}`)
  }
}
