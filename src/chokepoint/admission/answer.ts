/** What the API server is told (admission.k8s.io/v1 AdmissionReview with a response). */
export interface AdmissionAnswer {
  readonly apiVersion: 'admission.k8s.io/v1'
  readonly kind: 'AdmissionReview'
  readonly response: {
    readonly uid: string
    readonly allowed: boolean
    /** Shown to whoever asked. */
    readonly status?: {
      readonly code: number
      readonly reason: 'Forbidden' | 'ServiceUnavailable'
      readonly message: string
    }
    readonly warnings?: readonly string[]
    /** Go to the audit log of the API server, under the name of the webhook. */
    readonly auditAnnotations?: Readonly<Record<string, string>>
    readonly patchType?: 'JSONPatch'
    /** Base64 of a JSON Patch (RFC 6902). */
    readonly patch?: string
  }
}

export interface AnswerParts {
  readonly uid: string
  /** Why not, one text for each image; empty when the request may go on. */
  readonly refusals: readonly string[]
  /** Whether every refusal is a "no"; otherwise something could not be told, and asking again may help. */
  readonly isFinal: boolean
  readonly warnings: readonly string[]
  readonly audit: Readonly<Record<string, string>>
}

const maxMessage = 4000
/** Kept for the line that counts the refusals that are left out. */
const maxRest = 40
/** The API server cuts what is longer, and all of them at 4,096. */
const maxWarning = 240
const maxWarnings = 16
/** `breakglass audit` reads them: what is told of 64 images has to fit, with a place of fifteen digits for each. */
const maxAudit = 2000

/** Puts an answer together; nothing in it is longer than the API server or a terminal takes. */
export function answerOf({
  uid,
  refusals,
  isFinal,
  warnings,
  audit,
}: AnswerParts): AdmissionAnswer {
  const allowed = refusals.length === 0
  const annotations = Object.entries(audit).map(([name, value]) => [name, cut(value, maxAudit)])
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: {
      uid,
      allowed,
      ...(allowed ? {} : { status: statusOf(refusals, isFinal) }),
      ...(warnings.length === 0 ? {} : { warnings: warningsOf(warnings) }),
      ...(annotations.length === 0
        ? {}
        : { auditAnnotations: Object.fromEntries(annotations) as Record<string, string> }),
    },
  }
}

function statusOf(refusals: readonly string[], isFinal: boolean) {
  const message = messageOf(refusals)
  return isFinal
    ? { code: 403, reason: 'Forbidden' as const, message }
    : { code: 503, reason: 'ServiceUnavailable' as const, message }
}

/** Whole refusals, as long as they fit: what is cut has no fix, and what is missing looks admitted. */
function messageOf(refusals: readonly string[]): string {
  const all = refusals.join('\n')
  if (all.length <= maxMessage || refusals.length === 1) return cut(all, maxMessage)
  const [first = '', ...others] = refusals
  const shown = [cut(first, maxMessage - maxRest)]
  let length = first.length
  for (const refusal of others) {
    length += 1 + refusal.length
    if (length > maxMessage - maxRest) break
    shown.push(refusal)
  }
  const rest = refusals.length - shown.length
  const last = rest === 1 ? 'and 1 more image is refused' : `and ${rest} more images are refused`
  return [...shown, last].join('\n')
}

// RFC 7234 warn-text: one line, no control characters.
function warningsOf(warnings: readonly string[]): readonly string[] {
  return warnings.slice(0, maxWarnings).map((text) => cut(text.replaceAll(/\s+/g, ' '), maxWarning))
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1).toWellFormed()}…`
}
