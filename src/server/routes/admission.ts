import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  admit,
  answerOf,
  maxReviewBytes,
  parseReview,
  pin,
  type AdmissionAnswer,
  type AdmissionPorts,
  type AdmissionRequest,
} from '#chokepoint'
import { SallyportError, type Problem } from '#error'
import { readBody } from '../body.ts'
import type { GateService } from './ports.ts'

/** Others than API servers are given no such room as these. */
const maxOpenBody = 7 * 1024 * 1024
/** What the API server waits when it does not say (its default), and what is kept back for the way. */
const defaultSeconds = 10
const marginMs = 250
const maxSeconds = 30

/**
 * Answers a ValidatingAdmissionWebhook, or the mutating one that pins tags. The answer is there before the API server stops waiting (`?timeout=`, which it
 * adds to the address): what cannot be decided by then is refused, whatever is still going on.
 */
export async function answerAdmission(
  request: IncomingMessage,
  response: ServerResponse,
  service: GateService,
  { kind, isProven }: { readonly kind: 'validate' | 'pin'; readonly isProven: boolean },
): Promise<void> {
  const settings = service.admission?.()
  if (settings === undefined) throw new SallyportError(notHere)
  checkType(request)
  const began = performance.now()
  const totalMs = secondsOf(request.url ?? '') * 1000 - marginMs
  const asked = parseReview(await readBody(request, isProven ? maxReviewBytes : maxOpenBody))
  // Who is not known to be an API server may write any name: nobody may take it for one that was proven.
  const review = isProven ? asked : { ...asked, user: `unauthenticated:${asked.user}` }
  const leftMs = Math.max(1, Math.round(totalMs - (performance.now() - began)))
  const ports = service.admissionPorts({ ms: leftMs })
  const answering = kind === 'pin' ? pin(review, ports.resolve) : admit(review, settings, ports)
  const onLate = () => recordLate(review, kind, ports, service)
  const answer = await inTime(answering, { uid: review.uid, ms: leftMs, onLate })
  const body = Buffer.from(JSON.stringify(answer))
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
  response.end(body)
}

/** The answer, or a refusal when there is none by then. A thousand timers a second are ended with their answers. */
async function inTime(
  answering: Promise<AdmissionAnswer>,
  { uid, ms, onLate }: { readonly uid: string; readonly ms: number; readonly onLate: () => void },
): Promise<AdmissionAnswer> {
  const refusal = `ADMISSION_TIMEOUT: there was no decision within ${(ms / 1000).toFixed(1)} s. Ask again; the operator of the gate sees what is slow in its metrics.`
  const late = Promise.withResolvers<AdmissionAnswer>()
  const answer = { uid, refusals: [refusal], isFinal: false, warnings: [], audit: {} }
  // A moment for those who stop because of the same deadline: they know more to tell.
  const timer = setTimeout(
    () => {
      late.resolve(answerOf(answer))
      onLate()
    },
    ms + marginMs / 2,
  )
  try {
    return await Promise.race([answering, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Refusals for lack of time that are being recorded, of each gate. */
const recording = new WeakMap<GateService, number>()
const maxRecording = 16

/**
 * Records, beside everything else, that there was no time: the answer cannot wait for it. So many at a time and no more:
 * whoever makes the gate late must not fill its log with it.
 */
function recordLate(
  review: AdmissionRequest,
  kind: 'validate' | 'pin',
  { refuse }: Pick<AdmissionPorts, 'refuse'>,
  service: GateService,
): void {
  const running = recording.get(service) ?? 0
  if (kind === 'pin' || review.dryRun || running >= maxRecording) return
  recording.set(service, running + 1)
  // What cannot be recorded was told by the log already.
  void refuse(review, [tooLate])
    .catch(() => undefined)
    .finally(() => recording.set(service, (recording.get(service) ?? 1) - 1))
}

const tooLate: Problem = {
  code: 'ADMISSION_TIMEOUT',
  where: 'admission',
  expected: 'a decision before the API server stops waiting',
  found: 'none in time',
  fix: 'Ask again; see in the metrics of the gate what is slow',
}

function secondsOf(url: string): number {
  const text = /[?&]timeout=(\d{1,3})(?:s|$|&)/.exec(url)?.[1]
  const seconds = text === undefined ? defaultSeconds : Number(text)
  return Math.min(Math.max(seconds, 1), maxSeconds)
}

function checkType({ headers }: IncomingMessage): void {
  const type = headers['content-type'] ?? ''
  if (/^application\/json\s*(?:;|$)/i.test(type)) return
  throw new SallyportError({
    code: 'REQUEST_MEDIA_TYPE',
    where: 'content-type',
    expected: 'application/json',
    found: type === '' ? 'none' : type.slice(0, 100),
    fix: 'Send the AdmissionReview as application/json',
  })
}

const notHere: Problem = {
  code: 'REQUEST_NOT_FOUND',
  where: 'admission',
  expected: 'a gate that is configured for Kubernetes',
  found: 'no "admission" in its configuration',
  fix: 'Add "admission" with its namespaces to sallyport.yaml, and start the gate again',
}
