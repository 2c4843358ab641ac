import { z } from 'zod'
import { breakglassStatement, type Statement } from '#attestation'
import { checkShape, encodeCanonical, parseJson, sha256Hex } from '#document'
import { SallyportError, type Problem } from '#error'

const text = z.string().min(1).max(1000)

/** Whether a text says anything: blanks, and what nobody sees, are no reason and no finding. */
export function saysSomething(value: string): boolean {
  return /[\p{L}\p{N}]/u.test(value)
}

const words = 'something in words'
const requestSchema = z.strictObject({
  apiVersion: z.literal('sallyport.dev/v1'),
  kind: z.literal('BreakglassRequest'),
  artifact: z.strictObject({ name: text, sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  environment: z.string().min(1).max(200),
  service: z.string().min(1).max(200),
  // A machine is called by its issuer and its subject, which may be long.
  requester: z.string().min(1).max(2000),
  requestedOn: z.iso.datetime(),
  /** For how long, in seconds, from when it is approved. */
  seconds: z
    .int()
    .min(60)
    .max(168 * 3600),
  rules: z.array(z.string().min(1).max(200)).min(1).max(200),
  reason: z.string().max(1000).refine(saysSomething, words),
  incident: z.string().max(500).refine(saysSomething, words),
  /** What is decided without a grant: for whoever approves it to read. */
  otherwise: z.strictObject({
    verdict: z.string().max(50),
    reasons: z.array(z.string().max(2000)).max(100),
  }),
})

/** What somebody asks for in an emergency. It is not signed, and nothing follows from it until somebody approves it. */
export type BreakglassRequest = z.infer<typeof requestSchema>

/** @throws SallyportError BREAKGLASS_REQUEST */
export function parseRequest(bytes: Uint8Array, file: string): BreakglassRequest {
  const fix =
    'Name the file that `sallyport breakglass request` has written; if it is that one, have it written again'
  return asRequest(fix, () => {
    const value = parseJson(bytes, { what: file, maxBytes: 1_000_000 })
    checkShape(z.looseObject({ kind: requestSchema.shape.kind }), value, { what: file })
    return checkShape(requestSchema, value, { what: file })
  })
}

/**
 * Nothing is written down that no approver could read.
 *
 * @throws SallyportError BREAKGLASS_REQUEST
 */
export function checkRequest(request: BreakglassRequest): BreakglassRequest {
  const fix = 'Say it otherwise, and ask again'
  return asRequest(fix, () => checkShape(requestSchema, request, { what: 'the request' }))
}

function asRequest(fix: string, read: () => BreakglassRequest): BreakglassRequest {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof SallyportError)) throw cause
    const blamed = ({ where, expected, found }: Problem): Problem => ({
      code: 'BREAKGLASS_REQUEST',
      ...(where === undefined ? {} : { where }),
      expected,
      found,
      fix,
    })
    throw new SallyportError(blamed(cause), { also: cause.problems.slice(1).map(blamed), cause })
  }
}

export function encodeRequest(request: BreakglassRequest): Uint8Array {
  return encodeCanonical(request)
}

/** What a request is called: whoever changes a word of it has another. */
export function requestId(request: BreakglassRequest): string {
  return sha256Hex(encodeRequest(request)).slice(0, 32)
}

/** The grant that an approver signs: what was asked for, from now on. */
export function grantOf(
  request: BreakglassRequest,
  { approver, now }: { readonly approver: string; readonly now: Date },
): Statement {
  const { artifact, environment, service, requester, rules, reason, incident, seconds } = request
  const begin = Math.floor(now.getTime() / 1000) * 1000
  return breakglassStatement([{ name: artifact.name, digest: { sha256: artifact.sha256 } }], {
    requester,
    approver,
    environment,
    service,
    rules,
    reason,
    incident,
    notBefore: rfc3339(begin),
    expires: rfc3339(begin + seconds * 1000),
  })
}

function rfc3339(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`
}
