import { enforce } from '#chokepoint'
import type { Config } from '#config'
import { evidenceBytes, type Decision, type DeploymentRequest, type Evidence } from '#decision'
import { SallyportError } from '#error'
import {
  gatherEvidence,
  type ByteCache,
  type Credentials,
  type HttpClient,
  type Source,
} from '#evidence'
import { recordDecision, type BodyStore, type Log, type LogView } from '#log'
import type { Asked, OpenAdmission, RecheckParts } from '#recheck'
import { questionAt } from '../policy/question.ts'
import type { Rulebook } from '../rulebook.ts'
import { allowedRegistries } from '../serve/gather.ts'
import { locationIn } from './location.ts'

/** How decisions call the choke point at which nobody asks to be let in. */
export const recheckPoint = 'recheck'

export interface AskAgainParts {
  readonly config: Config
  readonly log: Pick<Log, 'append'>
  readonly bodies: BodyStore
  readonly rulebook: () => Rulebook
  readonly http: () => Promise<HttpClient>
  readonly cache: () => ByteCache
  readonly credentials: () => Promise<Credentials | undefined>
  readonly clock: () => Date
  /** Ends looking: what has not answered by then could not be told. */
  readonly signal?: AbortSignal
  /** Told of each answer that is recorded. */
  readonly onDecided?: (decision: Decision) => void
}

/**
 * Asks once more what was let in although nobody could tell, through the one way in: with the policies, trust file, places and
 * time of now, and with the evidence of then besides. A yes or a no is recorded; what could still not be told is not.
 */
export function askAgain(parts: AskAgainParts): RecheckParts['ask'] {
  return async (one, view, mayRecord) => {
    const { log, bodies, clock } = parts
    const then = await readThen(one, view, bodies)
    const { policies, trust, verifier, files } = parts.rulebook()
    const { decision, receipt } = await enforce({
      request: requestOf(one, then.request),
      gather: async () => together(await look(then, parts), then.evidence),
      policies,
      trust,
      verifier,
      now: clock(),
      record: async (made, { evidence }) => {
        if (!isAnswer(made)) return undefined
        if (!(await mayRecord())) throw turnLost()
        const inputs = [...files, ...evidenceBytes(evidence)]
        return await recordDecision(log, bodies, { decision: made, inputs })
      },
    })
    if (receipt !== undefined) parts.onDecided?.(decision)
    return asked(decision, receipt?.index)
  }
}

/** Only a yes and a no are answers. A target without policy, too, is one of which nobody can tell. */
function isAnswer({ verdict }: Decision): boolean {
  return verdict === 'ALLOW' || verdict === 'DENY'
}

function asked(decision: Decision, entry: number | undefined): Asked {
  return { decision, ...(entry === undefined ? {} : { entry }) }
}

interface Then {
  readonly decision: Decision
  readonly request: DeploymentRequest
  readonly evidence: Evidence
}

/** What was asked then, with the bytes of the evidence that was there. */
async function readThen({ last }: OpenAdmission, view: LogView, bodies: BodyStore): Promise<Then> {
  const { decision, question } = await questionAt(await view.entry(last), last, bodies)
  return { decision, request: decision.request, evidence: question.evidence }
}

/** The same question by the same; it says itself that it is asked again. */
function requestOf(
  { first, last, question }: OpenAdmission,
  { artifact, target, requester, principal }: DeploymentRequest,
): DeploymentRequest {
  return {
    artifact,
    target,
    chokePoint: recheckPoint,
    ...(requester === undefined ? {} : { requester }),
    ...(principal === undefined ? {} : { principal }),
    rechecks: { first, last, question },
  }
}

/** In the places of the configuration, and where the artifact lies. Grants are not looked for: they open nothing here. */
async function look({ decision, request }: Then, parts: AskAgainParts): Promise<Evidence> {
  const { config, http, cache, credentials, signal } = parts
  const { directories, stores } = config.evidence
  const location = await locationIn(decision, config)
  const sources: Source[] = [
    ...location.sources,
    ...directories.map((folder): Source => ({ kind: 'directory', folder })),
    ...stores.map((base): Source => ({ kind: 'http', base })),
  ]
  const known = await credentials()
  return await gatherEvidence({
    artifact: { digest: request.artifact.digest },
    sources,
    registries: [...allowedRegistries(config), ...location.registries],
    http: await http(),
    cache: cache(),
    ...(known === undefined ? {} : { credentials: known }),
    timeoutMs: config.evidence.timeoutMs,
    ...(signal === undefined ? {} : { signal }),
  })
}

/** What came with the request is nowhere else; what was found then may be gone. It counts as far as it holds now. */
function together(now: Evidence, then: Evidence): Evidence {
  const known = new Set([...now.items, ...(now.signatures ?? [])].map(({ digest }) => digest))
  const kept = then.items.filter(({ digest }) => !known.has(digest))
  const related = [...(now.related ?? []), ...(then.related ?? [])]
  return { ...now, items: [...now.items, ...kept], related }
}

function turnLost(): SallyportError {
  return new SallyportError({
    code: 'RECHECK_TAKEN',
    where: 'rechecks',
    expected: 'the turn to decide again',
    found: 'another gate that has it',
    fix: 'Nothing: that gate decides it again',
  })
}
