import { providerRequestSchema, type ProviderItem, type ProviderResponse } from '#api'
import { artifactOf, nameOf, unpinned } from '#chokepoint'
import { accountOf, summaryOf } from '#decision'
import { checkShape, parseJson } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import type { GateService } from './ports.ts'

/** Whoever sends more has put something else than keys into it. */
export const maxProviderRequest = 256 * 1024
/** Gatekeeper waits for two seconds (deploy/kubernetes/gatekeeper), and tells nobody why there was no answer by then. */
const timeMs = 1700

/**
 * Answers OPA Gatekeeper, which asks about many keys `environment|service|image` at once. A key that may not run, or of
 * which it cannot be told, has an `error`; only what is admitted has a `value`. When a decision cannot be recorded there is
 * a `systemError` and no item at all.
 *
 * @throws SallyportError DOCUMENT_* when this is no ProviderRequest
 */
export async function answerProvider(
  body: Uint8Array,
  requester: string,
  service: GateService,
): Promise<ProviderResponse> {
  const what = 'ProviderRequest'
  const value = parseJson(body, { what, maxBytes: maxProviderRequest, maxDepth: 8 })
  const { request } = checkShape(providerRequestSchema, value, { what })
  const keys = [...new Set(request.keys)]
  try {
    return respond(await Promise.all(keys.map((key) => itemOf(key, requester, service))))
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    return failProvider(error.problems.map(inGatekeeper))
  }
}

async function itemOf(key: string, requester: string, service: GateService): Promise<ProviderItem> {
  const question = questionOf(key)
  if ('code' in question) return { key, error: textOf(question) }
  const { environment, name, image } = question
  const reference = artifactOf({ field: 'image', container: 'image', image })
  if ('code' in reference) return { key, error: textOf(reference) }
  if (reference.digest === undefined) {
    const means = await service.admissionPorts({ ms: timeMs }).resolve(reference)
    return { key, error: textOf(unpinned({ field: 'image', container: 'image', image }, means)) }
  }
  const fixed = nameOf(reference)
  const artifact = { name: fixed, digest: { sha256: reference.digest } }
  const target = { environment, service: name }
  const ask = {
    artifact,
    target,
    reference: fixed,
    evidence: [],
    chokePoint: 'api' as const,
    dryRun: false,
  }
  const { decision, entry } = await service.decide(ask, requester, { ms: timeMs })
  const index = entry === undefined ? {} : { index: entry }
  if (decision.effect === 'blocked') return { key, error: summaryOf(accountOf(decision), index) }
  const { verdict, effect } = decision
  return { key, value: { verdict, effect, ...(entry === undefined ? {} : { entry }) } }
}

interface Question {
  readonly environment: string
  readonly name: string
  readonly image: string
}

function questionOf(key: string): Question | Problem {
  const [environment = '', name = '', image = '', ...more] = key.split('|')
  const isWhole = [environment, name, image].every((part) => part !== '') && more.length === 0
  if (isWhole && environment.length <= 200 && name.length <= 200) {
    return { environment, name, image }
  }
  return {
    code: 'EXTERNAL_DATA_KEY',
    where: 'key',
    expected: '`environment|service|image`, each there once',
    found: quote(key, 200),
    fix: 'Correct the keys that the constraint template makes, as docs/kubernetes.md shows',
  }
}

/** Nobody can give Gatekeeper the time after which what is silent is an outage. */
function inGatekeeper(problem: Problem): Problem {
  const fix =
    'Ask again: what has answered by then is known; the webhook of the gate itself waits for longer'
  return problem.code === 'ADMISSION_TIMEOUT' ? { ...problem, fix } : problem
}

/** Why there is no answer at all: whoever is refused reads it, as Gatekeeper shows nothing else. */
export function failProvider(problems: readonly Problem[]): ProviderResponse {
  return respond([], problems.map(textOf).join('; '))
}

function textOf({ code, where, expected, found, fix }: Problem): string {
  return `${code} ${where}: expected ${expected}; found ${found}; fix: ${fix}`
}

function respond(items: readonly ProviderItem[], systemError?: string): ProviderResponse {
  return {
    apiVersion: 'externaldata.gatekeeper.sh/v1beta1',
    kind: 'ProviderResponse',
    response: {
      idempotent: false,
      items: [...items],
      ...(systemError === undefined ? {} : { systemError }),
    },
  }
}
