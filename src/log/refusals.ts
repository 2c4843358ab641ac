import { quote, SallyportError } from '#error'
import type { LogIdentity, TreeHead } from '#merkle'

/** The signer remembers a larger tree than is here: this is an old copy. */
export function rolledBack(log: LogIdentity, expected: number, found: number): SallyportError {
  return new SallyportError({
    code: 'LOG_ROLLED_BACK',
    where: `log ${quote(log.origin)}`,
    expected: `at least ${expected} entries, the newest size its signer remembers`,
    found: `${found} entries`,
    fix: `Restore the newest copy of the log’s folder: ${expected - found} entries that it remembers are missing from this one. Do not delete the signer’s memory: the missing entries stay missing`,
  })
}

/** The signer remembers another tree than is here. */
export function forked(log: LogIdentity, signed: TreeHead, found: TreeHead): SallyportError {
  return new SallyportError({
    code: 'LOG_FORKED',
    where: `log ${quote(log.origin)}`,
    expected: `a tree that has ${describe(signed)} in it, which its signer remembers`,
    found: describe(found),
    fix: 'Restore the copy of the log’s folder that was signed: this one has other entries. Run `sallyport log verify` to see where they differ',
  })
}

/** There is a log, but its signer does not remember it, so nobody can tell whether it is complete. */
export function memoryMissing(log: LogIdentity, { size }: TreeHead): SallyportError {
  return new SallyportError({
    code: 'LOG_MEMORY_MISSING',
    where: `signer of ${quote(log.origin)}`,
    expected: `the newest checkpoint it signed, for a log of ${size} entries or more`,
    found: 'no memory',
    fix: 'Restore the signer’s memory file from its backup. Without it an old copy of the log cannot be told from the newest one',
  })
}

/** What is stored is not what the log wrote. */
export function damaged(
  where: string,
  expected: string,
  found: string,
  cause?: unknown,
): SallyportError {
  return new SallyportError(
    {
      code: 'LOG_CORRUPT',
      where,
      expected,
      found,
      fix: 'Run `sallyport log verify` to see what was altered, then restore the log’s folder from a copy',
    },
    { cause },
  )
}

function describe({ size, root }: TreeHead): string {
  return `size ${size}, root ${Buffer.from(root).toString('base64')}`
}
