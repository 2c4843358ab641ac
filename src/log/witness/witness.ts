import { quote, SallyportError, type Problem } from '#error'
import {
  addSignatures,
  consistencyHolds,
  emptyRoot,
  onlySignaturesOf,
  openCheckpoint,
  parseAddCheckpoint,
  parseCheckpointText,
  parseNote,
  parseSignatureLines,
  parseVerifierKey,
  type AddCheckpoint,
  type LogIdentity,
  type OpenedCheckpoint,
  type TreeHead,
  type VerifierKey,
} from '#merkle'
import { forkEvidence } from './evidence.ts'
import type { Cosigner, WitnessStore } from './ports.ts'

/** What a witness answers, in the words of C2SP tlog-witness. */
export type WitnessAnswer =
  | {
      readonly kind: 'cosigned'
      readonly origin: string
      readonly size: number
      readonly lines: string
    }
  | { readonly kind: 'stale'; readonly size: number; readonly problem: Problem }
  | { readonly kind: 'refused'; readonly status: 400 | 403 | 404; readonly problem: Problem }
  | {
      readonly kind: 'refused'
      readonly status: 422
      /** Of the log that has signed what was sent, whoever has sent it. */
      readonly origin: string
      readonly problem: Problem
    }

/** A witness: it cosigns checkpoints of the logs it watches, each of which extends the one it cosigned before. */
export interface Witness {
  readonly name: string
  readonly verifierKeys: readonly string[]
  /** Answers add-checkpoint. What it has cosigned is durable when this resolves. */
  addCheckpoint(body: Uint8Array): Promise<WitnessAnswer>
  /** The newest checkpoint of a log that it has cosigned; `origin` is the name of a log it watches. */
  newest(origin: string): Promise<string | undefined>
  readonly origins: readonly string[]
}

export interface WitnessOptions {
  readonly logs: readonly LogIdentity[]
  readonly cosigner: Cosigner
  readonly store: WitnessStore
}

/** Each other request for the same log that was faster is one more look; who loses so often asks again. */
const attempts = 8

export function openWitness({ logs, cosigner, store }: WitnessOptions): Witness {
  const watched = new Map(logs.map((log) => [log.origin, { ...log, verifierKeys: keysOf(log) }]))
  const { name, verifierKeys } = cosigner
  return {
    name,
    verifierKeys,
    origins: [...watched.keys()],
    newest: async (origin) => (watched.has(origin) ? await store.newest(origin) : undefined),
    async addCheckpoint(body) {
      const judged = judge(body, watched)
      if ('kind' in judged) return judged
      for (let round = 0; round < attempts; round += 1) {
        const answer = await attemptUpdate(judged, { cosigner, store })
        if (answer !== undefined) return answer
      }
      return stale(judged.log.origin, judged.request.old, await sizeOf(store, judged.log.origin))
    },
  }
}

interface Watched {
  readonly origin: string
  readonly verifierKeys: readonly VerifierKey[]
}

/** A request whose checkpoint a watched log has signed. */
interface Judged {
  readonly request: AddCheckpoint
  readonly log: Watched
  readonly next: OpenedCheckpoint
}

/** What needs no memory: 400, 404 and 403, in the order of the specification. */
function judge(body: Uint8Array, logs: ReadonlyMap<string, Watched>): Judged | WitnessAnswer {
  const read = attempt(400, () => {
    const request = parseAddCheckpoint(body)
    return { request, ...parseCheckpointText(parseNote(request.checkpoint).text) }
  })
  if ('kind' in read) return read
  const { request, origin, size } = read
  const log = logs.get(origin)
  if (log === undefined) return refused(404, unknownLog(origin))
  const next = attempt(403, () => openCheckpoint(request.checkpoint, log))
  if ('kind' in next) return next
  if (request.old <= size) return { request, log, next }
  return refused(400, {
    code: 'WITNESS_REQUEST_MALFORMED',
    where: 'add-checkpoint, old size',
    expected: `at most ${size}, the size of the checkpoint`,
    found: String(request.old),
    fix: 'Send a newer checkpoint, or the size of an older one',
  })
}

/** Judges by what was cosigned before, and takes its place; undefined when another request has done so meanwhile. */
async function attemptUpdate(
  { request, log, next }: Judged,
  { cosigner, store }: Pick<WitnessOptions, 'cosigner' | 'store'>,
): Promise<WitnessAnswer | undefined> {
  const { origin } = log
  const held = await store.newest(origin)
  const newest = held === undefined ? empty : parseCheckpointText(parseNote(held).text)
  if (request.old !== newest.size) return stale(origin, request.old, newest.size)
  const problem = refuse(newest, next, request)
  if (problem !== undefined) {
    if (problem.code === 'LOG_FORKED' && held !== undefined)
      await store.keepEvidence(origin, evidenceOf(held, request.checkpoint, log))
    return inconsistent(origin, problem)
  }
  const own = onlySignaturesOf(request.checkpoint, log.verifierKeys)
  const cosigned = await cosignOrRefuse(cosigner, origin, own)
  if (cosigned === 'older') return undefined
  if ('kind' in cosigned) return cosigned
  const { lines } = cosigned
  const note = addSignatures(own, parseSignatureLines(lines))
  if (!(await store.replace(origin, held, note))) return undefined
  return { kind: 'cosigned', origin, size: next.size, lines }
}

/** What the keys refuse: `older` when another request has gone further meanwhile. */
async function cosignOrRefuse(
  cosigner: Cosigner,
  origin: string,
  checkpoint: string,
): Promise<{ readonly lines: string } | 'older' | WitnessAnswer> {
  try {
    return { lines: await cosigner.cosign(origin, checkpoint) }
  } catch (error) {
    const [problem] = error instanceof SallyportError ? error.problems : []
    if (problem?.code === 'LOG_ROLLED_BACK') return 'older'
    if (problem?.code === 'LOG_FORKED') return inconsistent(origin, problem)
    throw error
  }
}

const empty: TreeHead = { size: 0, root: emptyRoot }

function refuse(
  newest: TreeHead,
  next: OpenedCheckpoint,
  { consistency }: AddCheckpoint,
): Problem | undefined {
  const where = `log ${quote(next.origin)}`
  if (next.size === newest.size && Buffer.compare(next.root, newest.root) !== 0)
    return {
      code: 'LOG_FORKED',
      where,
      expected: `root ${base64(newest.root)} at size ${newest.size}, which was cosigned`,
      found: base64(next.root),
      fix: 'Stop the log: its keys have signed two histories. Keep both checkpoints as evidence',
    }
  const holds =
    newest.size === 0 ? consistency.length === 0 : consistencyHolds(newest, next, consistency)
  if (holds) return undefined
  return {
    code: 'CONSISTENCY_PROOF_INVALID',
    where,
    expected: `a proof that size ${next.size} extends size ${newest.size}, root ${base64(newest.root)}`,
    found: `${consistency.length} hashes that do not show it`,
    fix: 'Run `sallyport log verify --witnesses` at the log: it is not the one that was cosigned, or the proof is damaged',
  }
}

function evidenceOf(held: string, checkpoint: string, log: Watched): string {
  const other = onlySignaturesOf(checkpoint, log.verifierKeys)
  const first = { by: 'cosigned by this witness', note: held }
  return forkEvidence(log.origin, first, { by: 'submitted later', note: other })
}

async function sizeOf(store: WitnessStore, origin: string): Promise<number> {
  const held = await store.newest(origin)
  return held === undefined ? 0 : parseCheckpointText(parseNote(held).text).size
}

function stale(origin: string, found: number, size: number): WitnessAnswer {
  const problem: Problem = {
    code: 'WITNESS_STALE',
    where: `log ${quote(origin)}`,
    expected: `old ${size}, the size that was cosigned`,
    found: `old ${found}`,
    fix: `Send a proof from size ${size}`,
  }
  return { kind: 'stale', size, problem }
}

function refused(status: 400 | 403 | 404, problem: Problem): WitnessAnswer {
  return { kind: 'refused', status, problem }
}

function inconsistent(origin: string, problem: Problem): WitnessAnswer {
  return { kind: 'refused', status: 422, origin, problem }
}

/** What a request is wrong about is an answer; anything else is a failure of the witness. */
function attempt<T extends object>(status: 400 | 403, read: () => T): T | WitnessAnswer {
  try {
    return read()
  } catch (error) {
    const [problem] = error instanceof SallyportError ? error.problems : []
    if (problem === undefined) throw error
    return refused(status, problem)
  }
}

function unknownLog(origin: string): Problem {
  return {
    code: 'WITNESS_LOG_UNKNOWN',
    where: `log ${quote(origin)}`,
    expected: 'a log that this witness watches',
    found: 'none of this name',
    fix: 'Ask the operator of the witness to add the log, with its verifier keys, under "logs" of witness.yaml',
  }
}

function keysOf({ verifierKeys }: LogIdentity): VerifierKey[] {
  return verifierKeys.map((key) => (typeof key === 'string' ? parseVerifierKey(key) : key))
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
