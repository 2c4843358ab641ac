import { z } from 'zod'
import type { Operation } from '#api'
import { SallyportError } from '#error'
import type { Principal } from '../access/principal.ts'
import { slotOf } from '../slots.ts'
import type { EntryReceipt, GateService, ReceiptState, ReceiptWait } from './ports.ts'
import type { Call } from './route.ts'

const defaultSeconds = 10
const maxSeconds = 30

export const receiptParameters: NonNullable<Operation['parameters']> = [
  { name: 'entry', in: 'path', schema: z.int().min(0), description: 'its place in the log' },
  {
    name: 'wait',
    in: 'query',
    schema: z.enum(['sequenced', 'published', 'witnessed']),
    description: 'answer when it has come so far, or when the time is over; default published',
  },
  {
    name: 'seconds',
    in: 'query',
    schema: z.int().min(1).max(maxSeconds),
    description: `how long to wait at most; default ${defaultSeconds}`,
  },
]

export const receiptResponses: Operation['responses'] = {
  200: {
    description:
      'a .tlog-proof; the header sallyport-receipt-state says whether its checkpoint is published or witnessed',
    mediaType: 'text/plain',
    schema: z.string(),
  },
  202: {
    description: 'sequenced: durable in the log, and not yet published',
    mediaType: 'text/plain',
    schema: z.literal('sequenced\n'),
  },
}

export async function answerReceipt(
  call: Call,
  _: Principal,
  service: GateService,
): Promise<Response> {
  const entry = numberIn(call.req.param('entry') ?? '', 'entry', 0, Number.MAX_SAFE_INTEGER)
  const { state, proof } = await receiptOf(entry, call, service)
  const headers = { 'sallyport-receipt-state': state, 'cache-control': 'no-store' }
  if (proof === undefined) return call.text(`${state}\n`, 202, headers)
  return call.text(proof, 200, headers)
}

/** Who waits for the receipts of each gate. */
const waiting = new WeakMap<GateService, number>()
const maxWaiting = 256
const order: readonly ReceiptState[] = ['sequenced', 'published', 'witnessed']

/**
 * Waits beside those who are answered: witnesses that do not answer, or whoever reads receipts, must keep no deployment
 * out.
 */
async function receiptOf(entry: number, call: Call, service: GateService): Promise<EntryReceipt> {
  const wait = waitOf(call)
  if (wait === undefined) return await service.receipt(entry)
  const now = await receiptNow(entry, service)
  if (now !== undefined && order.indexOf(now.state) >= order.indexOf(wait.state)) return now
  const count = waiting.get(service) ?? 0
  if (count >= maxWaiting) throw new SallyportError(tooMany)
  const slot = slotOf(call.env.incoming)
  waiting.set(service, count + 1)
  slot?.yield()
  try {
    return await service.receipt(entry, wait)
  } finally {
    waiting.set(service, (waiting.get(service) ?? 1) - 1)
    slot?.take()
  }
}

/** Undefined for an entry that is not there: another replica may have answered it a moment ago. */
async function receiptNow(entry: number, service: GateService): Promise<EntryReceipt | undefined> {
  try {
    return await service.receipt(entry)
  } catch (error) {
    if (error instanceof SallyportError && error.code === 'LOG_ENTRY_UNKNOWN') return undefined
    throw error
  }
}

const tooMany = {
  code: 'SERVER_BUSY',
  where: 'receipt',
  expected: `at most ${maxWaiting} who wait for receipts`,
  found: 'as many already',
  fix: 'Ask again in a second, or with wait=sequenced',
} as const

function waitOf(call: Call): ReceiptWait | undefined {
  const state = call.req.query('wait') ?? 'published'
  const given = call.req.query('seconds')
  const seconds = given === undefined ? defaultSeconds : numberIn(given, 'seconds', 1, maxSeconds)
  if (state === 'sequenced') return undefined
  if (state === 'published' || state === 'witnessed') return { state, ms: seconds * 1000 }
  throw wrong('wait', '"sequenced", "published" or "witnessed"', state)
}

function numberIn(text: string, name: string, least: number, most: number): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value
  throw wrong(name, `a whole number from ${least} to ${most}`, text)
}

function wrong(where: string, expected: string, found: string): SallyportError {
  return new SallyportError({
    code: 'REQUEST_PARAMETER',
    where,
    expected,
    found: found.slice(0, 40),
    fix: `Correct "${where}"`,
  })
}
