import { z } from 'zod'
import { decide, encodeDecision, type Decision, type Evidence } from '#decision'
import { checkShape, isObject, parseJson, type Json } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import type { BodyStore } from './ports.ts'
import { createReplayMemory, type ReplayMemory, type SourceFile } from './replay-memory.ts'
import { missing, recordedDecision } from './record.ts'

/** What to decide with instead of what was recorded. Left out: exactly what was recorded. */
export interface ReplayOptions {
  readonly trust?: SourceFile
  readonly policies?: readonly SourceFile[]
  readonly now?: Date
  /** For many replays, one after the other. */
  readonly memory?: ReplayMemory
}

/** A past decision, made again. */
export interface Replay {
  /** The decision as it is made now. */
  readonly decision: Decision
  /** Its bytes, and the bytes that were recorded. */
  readonly replayed: Uint8Array
  readonly recorded: Uint8Array
  /** Whether they are the same, byte for byte. */
  readonly same: boolean
  /** REPLAY_DIFFERS for each part that is not the same; empty when all is. */
  readonly problems: readonly Problem[]
}

/**
 * Decides again what an entry records, from nothing but the entry and the bodies that it names. Throws
 * RECORD_BODY_MISSING with every body that is not kept, and RECORD_MALFORMED when the entry is no decision.
 */
export async function replay(
  entry: Uint8Array,
  bodies: BodyStore,
  options: ReplayOptions = {},
): Promise<Replay> {
  const recorded = await recordedDecision(entry, bodies)
  const past = parseRecord(recorded)
  const files = await readBodies(past, bodies)
  const trust = options.trust ?? {
    file: past.inputs.trust.file,
    bytes: files.get(past.inputs.trust.digest),
  }
  const policies =
    options.policies ??
    past.inputs.policies.map(({ file, digest }) => ({ file, bytes: files.get(digest) }))
  const evidence: Evidence = {
    items: past.inputs.evidence.map((item) => ({ ...item, bytes: files.get(item.digest) })),
    sources: past.inputs.sources,
    leftOut: past.inputs.evidenceLeftOut ?? 0,
    related: (past.inputs.indexes ?? []).map((digest) => ({ index: files.get(digest) })),
  }
  const { memory = createReplayMemory() } = options
  const roots = (past.inputs.trust.roots ?? []).map(({ file, digest }) => ({
    file,
    bytes: files.get(digest),
  }))
  const decision = decide({
    request: past.request,
    evidence,
    policies: memory.policies(policies),
    ...memory.trust(trust, roots),
    now: options.now ?? new Date(past.time),
  })
  const replayed = encodeDecision(decision)
  const same = Buffer.compare(replayed, recorded) === 0
  return {
    decision,
    replayed,
    recorded,
    same,
    problems: same ? [] : differences(recorded, replayed),
  }
}

const inputFile = z.strictObject({ file: z.string(), digest: z.string() })

/** The parts of a decision that it is made from. What follows from them is compared byte for byte, so it needs no schema. */
const recordSchema = z.looseObject({
  apiVersion: z.literal('sallyport.dev/v1'),
  kind: z.literal('Decision'),
  time: z.iso.datetime(),
  request: z.strictObject({
    artifact: z.strictObject({
      name: z.string(),
      digest: z.record(z.string(), z.string()),
      downloadLocation: z.string().exactOptional(),
    }),
    target: z.strictObject({ environment: z.string(), service: z.string() }),
    chokePoint: z.string(),
    requester: z.string().exactOptional(),
    principal: z.string().exactOptional(),
    asked: z.record(z.string(), z.string()).exactOptional(),
    rechecks: z
      .strictObject({ first: z.int().min(0), last: z.int().min(0), question: z.string() })
      .exactOptional(),
  }),
  inputs: z.strictObject({
    trust: inputFile.extend({ roots: z.array(inputFile).exactOptional() }),
    policies: z.array(inputFile),
    evidence: z.array(z.strictObject({ digest: z.string(), source: z.string() })),
    evidenceLeftOut: z.int().min(0).exactOptional(),
    indexes: z.array(z.string()).exactOptional(),
    sources: z.array(
      z.strictObject({
        name: z.string(),
        outcome: z.enum(['found', 'absent', 'unavailable']),
        detail: z.string().exactOptional(),
      }),
    ),
  }),
})

type Past = z.infer<typeof recordSchema>

function parseRecord(bytes: Uint8Array): Past {
  const what = 'the recorded decision'
  const value = parseJson(bytes, { what })
  if (isObject(value) && value['kind'] === 'Decision')
    return checkShape(recordSchema, value, { what })
  throw new SallyportError({
    code: 'RECORD_MALFORMED',
    where: what,
    expected: 'an entry of kind "Decision"',
    found: isObject(value) ? `kind ${quote(value['kind'])}` : 'something that is no JSON object',
    fix: 'Name the index of a decision: `sallyport log show` lists them',
  })
}

/** Everything that the decision was made from, by digest; all that is missing is reported at once. */
async function readBodies({ inputs }: Past, bodies: BodyStore) {
  const wanted = new Map([
    [inputs.trust.digest, inputs.trust.file],
    ...(inputs.trust.roots ?? []).map(({ digest, file }) => [digest, file] as const),
    ...inputs.policies.map(({ digest, file }) => [digest, file] as const),
    ...inputs.evidence.map(({ digest, source }) => [digest, source] as const),
    ...(inputs.indexes ?? []).map((digest) => [digest, 'the index'] as const),
  ])
  const found = new Map<string, Uint8Array>()
  const problems: Problem[] = []
  for (const [digest, name] of wanted) {
    const bytes = await bodies.get(digest)
    if (bytes === undefined) problems.push(missing(quote(name), digest))
    else found.set(digest, bytes)
  }
  SallyportError.throwAll(problems)
  return { get: (digest: string) => found.get(digest) ?? new Uint8Array() }
}

/** The top-level parts of the two decisions that are not the same. */
function differences(recorded: Uint8Array, replayed: Uint8Array): Problem[] {
  const [before, after] = [recorded, replayed].map((bytes) =>
    parseJson(bytes, { what: 'a decision' }),
  )
  if (!isObject(before) || !isObject(after)) return []
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  const parts = names.filter((name) => show(before[name]) !== show(after[name]))
  const changed = parts.length > 0 ? parts : ['encoding']
  return changed.map((name) => ({
    code: 'REPLAY_DIFFERS',
    where: name,
    expected: quote(show(before[name]), 400),
    found: quote(show(after[name]), 400),
    fix:
      name === 'engine'
        ? 'Replay with the version of Sallyport that made the decision: it is the one in "expected"'
        : 'Compare the versions, and the policy and trust files if you gave others: with the same of all, a decision is the same',
  }))
}

function show(value: Json | undefined): string {
  return JSON.stringify(value) ?? 'nothing'
}
