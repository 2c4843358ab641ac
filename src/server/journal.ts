import { escapeJson, SallyportError } from '#error'

export type Level = 'info' | 'warn' | 'error'

/** What happened, one line of JSON each, for whoever runs the gate. It never holds a body, a token or a header. */
export interface Journal {
  write(level: Level, event: string, fields?: Readonly<Record<string, unknown>>): void
  /** An error that was not foreseen, or one that the operator has to deal with. */
  error(event: string, error: unknown, fields?: Readonly<Record<string, unknown>>): void
}

const maxText = 2000

export function openJournal(out: { write(text: string): unknown }, clock: () => Date): Journal {
  const write: Journal['write'] = (level, event, fields = {}) => {
    const time = clock().toISOString()
    const line = JSON.stringify({ time, level, event, ...fields }, (_, value: unknown) =>
      typeof value === 'string' && value.length > maxText ? `${value.slice(0, maxText)}…` : value,
    )
    out.write(`${escapeJson(line)}\n`)
  }
  return {
    write,
    error(event, error, fields) {
      write('error', event, { ...fields, ...told(error) })
    },
  }
}

function told(error: unknown): Readonly<Record<string, unknown>> {
  if (error instanceof SallyportError) return { problems: error.problems }
  if (error instanceof Error)
    return { error: error.name, message: error.message, stack: error.stack }
  return { error: typeof error }
}
