import { splitAttestations } from '#attestation'
import type { Evidence } from '#decision'
import { encodeCanonical, parseJson, type Json } from '#document'
import { quote } from '#error'
import { evidenceAt, nothingAt } from './source-options.ts'

/** An annotation of a Kubernetes object, as whoever asks for the deployment wrote it. */
export interface Annotation {
  readonly name: string
  readonly value: string
}

/** Kubernetes takes no more for all annotations of an object together. */
const maxLength = 256 * 1024
const maxAttestations = 64

/** What was read: a pod has one annotation, and images by the dozen. */
const known = new WeakMap<Annotation, Evidence>()

/**
 * Reads attestations from the value of an annotation: one or several, as JSON, a JSON array, JSON lines or tokens; or any
 * of these in base64. Whatever else is in it is handed on as it is, for the decision to refuse: the value is chosen by
 * whoever asks, so that it can be bad, and can never be an outage. The same annotation is read once.
 */
export function readAnnotation(annotation: Annotation): Evidence {
  const evidence = known.get(annotation) ?? read(annotation)
  known.set(annotation, evidence)
  return evidence
}

function read({ name, value }: Annotation): Evidence {
  const place = `annotation ${quote(name, 200)}`
  if (value.length > maxLength) {
    const detail = `expected at most ${maxLength} characters, found ${value.length}: not looked at`
    return nothingAt(place, 'absent', detail)
  }
  const text = decode(value.trim())
  if (text.length === 0) return nothingAt(place, 'absent', 'the value is empty')
  const parts = text[0] === 0x5b ? elementsOf(text) : splitQuietly(text)
  if (parts.length <= maxAttestations) return evidenceAt(place, parts.map(written))
  const detail = `expected at most ${maxAttestations} attestations, found ${parts.length}: not looked at`
  return nothingAt(place, 'absent', detail)
}

/** What base64 stands for, when it is that, and what it stands for can be evidence. */
function decode(value: string): Uint8Array {
  const text = Buffer.from(value, 'utf8')
  // A token has dots, and JSON has brackets: neither can be taken for base64.
  if (!/^[\w+/\s-]+={0,2}$/.test(value)) return text
  const decoded = Buffer.from(value.replaceAll(/\s/g, ''), 'base64')
  const isText = decoded.length > 0 && !decoded.includes(0)
  return isText ? Buffer.from(decoded.toString('utf8').trim(), 'utf8') : text
}

/** The attestations of an array: objects, or texts that are tokens or base64. */
function elementsOf(text: Uint8Array): readonly (Uint8Array | Json)[] {
  let value: Json
  try {
    value = parseJson(text, { what: 'annotation', maxBytes: maxLength })
  } catch {
    return [text]
  }
  return Array.isArray(value) ? (value as readonly Json[]) : [text]
}

function written(part: Uint8Array | Json): Uint8Array {
  if (part instanceof Uint8Array) return part
  return typeof part === 'string' ? decode(part.trim()) : encodeCanonical(part)
}

function splitQuietly(text: Uint8Array): readonly Uint8Array[] {
  try {
    return splitAttestations(text)
  } catch {
    return [text]
  }
}
