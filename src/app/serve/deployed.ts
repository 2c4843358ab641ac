import type { DeploymentAsk } from '#api'
import { engine, type Decision } from '#decision'
import { parseJson } from '#document'
import { SallyportError } from '#error'
import { recordDeployment, recordedDecision } from '#log'
import { principalOf } from './principal.ts'
import type { ServiceParts } from './service.ts'

type Parts = Pick<ServiceParts, 'log' | 'bodies' | 'clock' | 'receipt'>

/** So long it may take until what has just been decided can be read in the log. */
const publishMs = 5_000

/**
 * Records how a deployment has ended; gives its place in the log. What was deployed, and where, is taken from the decisions
 * and not from who reports it; each must have let it in, for whoever reports, and all at one target.
 *
 * @throws SallyportError GATE_DEPLOYMENT
 */
export async function recordDeployed(
  ask: DeploymentAsk,
  requester: string,
  parts: Parts,
): Promise<number> {
  const { decisions: places, started, command, exit, signal } = ask
  const { log, clock } = parts
  await parts.receipt(Math.max(...places), { state: 'published', ms: publishMs })
  const decisions = await Promise.all(places.map((place) => readDecision(place, requester, parts)))
  const [first] = decisions
  const target = first?.request.target ?? { environment: '', service: '' }
  const at = decisions.findIndex(
    ({ request }) =>
      request.target.environment !== target.environment ||
      request.target.service !== target.service,
  )
  if (at >= 0) throw notYours(places[at] ?? 0, 'one for another target than the first')
  const receipt = await recordDeployment(log, {
    apiVersion: 'sallyport.dev/v1',
    kind: 'Deployment',
    started,
    time: clock().toISOString(),
    engine,
    chokePoint: 'ci',
    requester,
    ...principalOf(requester),
    target,
    artifacts: decisions.map(({ request: { artifact } }, index) => ({
      name: artifact.name.slice(0, 300).toWellFormed(),
      sha256: artifact.digest['sha256'] ?? '',
      decision: places[index] ?? 0,
    })),
    command,
    exit,
    ...(signal === undefined ? {} : { signal }),
  })
  return receipt.index
}

async function readDecision(
  place: number,
  requester: string,
  { log, bodies }: Parts,
): Promise<Decision> {
  const view = await log.view()
  if (place >= view.size) throw notYours(place, 'nothing there')
  const bytes = await recordedDecision(await view.entry(place), bodies)
  const decision = parseJson(bytes, { what: `entry ${place} of the log` }) as unknown as Decision
  if (decision.kind !== 'Decision') throw notYours(place, 'another kind of entry')
  // Nothing about decisions of others is told.
  if (decision.request.requester !== requester) throw notYours(place, 'one that is not yours')
  if (decision.request.chokePoint !== 'ci') throw notYours(place, 'one for another choke point')
  if (decision.effect === 'blocked') throw notYours(place, 'one that let nothing in')
  return decision
}

function notYours(place: number, found: string): SallyportError {
  return new SallyportError({
    code: 'GATE_DEPLOYMENT',
    where: `entry ${place}`,
    expected: 'a decision of the choke point "ci" that let something in, for whoever reports',
    found,
    fix: 'Report with the entries of the answers that this pipeline was given',
  })
}
