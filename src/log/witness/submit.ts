import { createHash } from 'node:crypto'
import { quote, SallyportError } from '#error'
import {
  encodeAddCheckpoint,
  openCheckpoint,
  openCosignatures,
  parseNote,
  type LogIdentity,
  type NoteSignature,
} from '#merkle'
import type { LogView } from '../view.ts'
import type { WitnessLink } from './ports.ts'

/** What came of asking a witness to cosign. */
export type Submitted =
  | { readonly kind: 'cosigned'; readonly signatures: readonly NoteSignature[] }
  /** It says that it has cosigned a larger tree. */
  | { readonly kind: 'ahead'; readonly size: number }
  /** It says that this tree does not extend the one it has cosigned. */
  | { readonly kind: 'inconsistent'; readonly size: number }

/** How often a witness may correct the size: others of the same log may submit as well. */
const corrections = 3

/**
 * Asks a witness to cosign the checkpoint of a view. `known` is the size it has cosigned before, as far as is known.
 *
 * @throws SallyportError WITNESS_UNREACHABLE, WITNESS_REFUSED, or NOTE_… when its answer is no cosignature
 */
export async function submit(
  link: WitnessLink,
  view: LogView,
  { known = 0, timeoutMs }: { readonly known?: number; readonly timeoutMs: number },
): Promise<Submitted> {
  const { note } = view.checkpoint
  let old = known
  for (let round = 0; round <= corrections; round += 1) {
    if (old > view.size) return { kind: 'ahead', size: old }
    const consistency = await view.consistency(old)
    const body = encodeAddCheckpoint({ old, consistency, checkpoint: note })
    const answer = await link.ask({ method: 'POST', path: 'add-checkpoint', body, timeoutMs })
    if (answer.status === 200) {
      const signatures = openCosignatures(answer.text, parseNote(note).text, link.key)
      return { kind: 'cosigned', signatures }
    }
    const size = answer.status === 409 ? sizeIn(answer) : undefined
    // Before 422 was said for both, 409 without a size meant another root of the same size.
    if (answer.status === 422 || (answer.status === 409 && size === undefined))
      return { kind: 'inconsistent', size: old }
    if (size === undefined) throw refused(link, `status ${answer.status}`)
    old = size
  }
  throw refused(link, `another size each of ${corrections + 1} times`)
}

/**
 * The newest checkpoint of a log that a witness has cosigned, opened with the keys of the log; undefined when it has none,
 * or does not tell.
 *
 * @throws SallyportError WITNESS_UNREACHABLE, WITNESS_REFUSED, or what `openCheckpoint` throws
 */
export async function newestOf(
  link: WitnessLink,
  log: LogIdentity,
  timeoutMs: number,
): Promise<string | undefined> {
  const hash = createHash('sha256').update(log.origin).digest('hex')
  const path = `${hash}/checkpoint`
  const { status, text } = await link.ask({ method: 'GET', path, timeoutMs })
  if (status === 404 || status === 405) return undefined
  if (status !== 200) throw refused(link, `status ${status}`)
  openCheckpoint(text, log)
  return text
}

function sizeIn({
  mediaType,
  text,
}: {
  readonly mediaType: string
  readonly text: string
}): number | undefined {
  const [, decimal] = /^(0|[1-9][0-9]{0,15})\n$/.exec(text) ?? []
  const size = Number(decimal)
  return mediaType === 'text/x.tlog.size' && Number.isSafeInteger(size) ? size : undefined
}

function refused({ name, url }: WitnessLink, found: string): SallyportError {
  return new SallyportError({
    code: 'WITNESS_REFUSED',
    where: `witness ${quote(name, 60)} at ${url}`,
    expected: 'a cosignature, or the size that it knows',
    found,
    fix: 'Ask its operator whether it watches this log, with the verifier keys that `sallyport log keys` prints',
  })
}
