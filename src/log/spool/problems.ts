import { quote, SallyportError } from '#error'

/** Nothing more goes into it; nobody is answered. */
export function spoolFull(
  where: string,
  found: { readonly entries: number; readonly bytes: number },
  limits: { readonly maxEntries: number; readonly maxBytes: number },
): SallyportError {
  return new SallyportError({
    code: 'LOG_SPOOL_FULL',
    where,
    expected: `room for one more of at most ${limits.maxEntries} entries and ${limits.maxBytes} bytes`,
    found: `${found.entries} entries, ${found.bytes} bytes`,
    fix: 'Bring the database of the log back: the spool empties itself then. For an emergency there is breakglass',
  })
}

/** Another gate of this home has it. */
export function spoolTaken(where: string): SallyportError {
  return new SallyportError({
    code: 'LOG_SPOOL_TAKEN',
    where,
    expected: 'a spool that no other process uses',
    found: 'one that is in use',
    fix: 'Give each gate a home of its own: at most eight share one',
  })
}

/** It cannot be read or written. */
export function spoolFailed(where: string, cause: unknown): SallyportError {
  return new SallyportError(
    {
      code: 'LOG_SPOOL_FAILED',
      where,
      expected: 'to read and write the spool durably',
      found: quote(cause instanceof Error ? cause.message : cause, 300),
      fix: `Make room on the disk of "${where}", and let the gate write there`,
    },
    { cause },
  )
}
