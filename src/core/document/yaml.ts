import {
  CORE_SCHEMA,
  EVENT_ID,
  getScalarValue,
  load,
  parseEvents,
  YAMLException,
  type Event,
} from 'js-yaml'
import { quote, SallyportError } from '#error'
import { decodeText, syntax, tooDeep, type Json } from './json.ts'

export type Path = readonly (string | number)[]

/** A YAML document and where each of its values stands. */
export interface YamlDocument {
  readonly value: Json
  /** `file:line:column` of the value at this path, or of its nearest parent that exists. */
  readonly locate: (path: Path) => string
}

export interface YamlOptions {
  /** The file's name as the user knows it; it opens every `where`. */
  readonly file: string
  /** Bytes accepted at most; default 1 MiB. */
  readonly maxBytes?: number
  /** Nesting accepted at most; default 32. */
  readonly maxDepth?: number
}

/**
 * Parses one YAML 1.2 document of the core schema that says exactly what JSON could say: no anchor, alias,
 * tag or second document, no key twice.
 *
 * @throws SallyportError DOCUMENT_TOO_LARGE, DOCUMENT_TOO_DEEP, DOCUMENT_SYNTAX, DOCUMENT_DUPLICATE_KEY
 */
export function parseYaml(bytes: Uint8Array, options: YamlOptions): YamlDocument {
  const { file } = options
  const maxDepth = options.maxDepth ?? 32
  const text = decodeText(bytes, file, options.maxBytes ?? 1024 * 1024)
  const events = readEvents(text, file, maxDepth)
  const root = placesOf(events, text, file)
  const value = readValue(text, file, maxDepth)
  const at = (offset: number): string => `${file}:${position(text, offset)}`
  return {
    value,
    locate(path) {
      let place = root
      for (const step of path) {
        const next = place.parts.get(String(step))
        if (next === undefined) break
        place = next
      }
      return at(place.offset)
    },
  }
}

/** Where a value begins: at its key in a mapping, else at the value itself. */
interface Place {
  readonly offset: number
  /** Of its parts, by key or index. */
  readonly parts: ReadonlyMap<string, Place>
}

/** A scalar has no parts; a document has many of those. */
const none = new Map<string, Place>()

function readEvents(text: string, file: string, maxDepth: number): Event[] {
  try {
    return parseEvents(text, { filename: file, maxDepth })
  } catch (cause) {
    throw explain(cause, file, maxDepth)
  }
}

function readValue(text: string, file: string, maxDepth: number): Json {
  try {
    return load(text, { filename: file, maxDepth, schema: CORE_SCHEMA, maxAliases: 0 }) as Json
  } catch (cause) {
    throw explain(cause, file, maxDepth)
  }
}

/** Walks the event stream. A text without a value has one place. */
function placesOf(events: readonly Event[], text: string, file: string): Place {
  let next = 0
  const take = (): Event => {
    const event = events[next]
    next += 1
    if (event === undefined) throw forbidden('document that ends early', text.length, text, file)
    refuseIndirection(event, text, file)
    return event
  }
  const isClosed = (): boolean => events[next]?.type === EVENT_ID.POP
  const walk = (known?: number): Place => {
    const event = take()
    const parts = event.type === EVENT_ID.SCALAR ? none : new Map<string, Place>()
    if (event.type === EVENT_ID.SEQUENCE) {
      for (let index = 0; !isClosed(); index += 1) parts.set(String(index), walk())
      take()
    } else if (event.type === EVENT_ID.MAPPING) {
      while (!isClosed()) {
        const name = take()
        if (name.type !== EVENT_ID.SCALAR) {
          throw forbidden('key that is not a plain word', startOf(name), text, file)
        }
        parts.set(getScalarValue(text, name), walk(name.valueStart))
      }
      take()
    }
    return { offset: known ?? startOf(event), parts }
  }
  if (events.filter((event) => event.type === EVENT_ID.DOCUMENT).length > 1) {
    throw forbidden('second document', text.length, text, file)
  }
  take()
  return isClosed() ? { offset: 0, parts: none } : walk()
}

function refuseIndirection(event: Event, text: string, file: string): void {
  if (event.type === EVENT_ID.ALIAS) throw forbidden('alias', event.anchorStart, text, file)
  if (event.type === EVENT_ID.POP || event.type === EVENT_ID.DOCUMENT) return
  if (event.anchorStart !== -1) throw forbidden('anchor', event.anchorStart, text, file)
  if (event.tagStart !== -1) throw forbidden('tag', event.tagStart, text, file)
}

function startOf(event: Event): number {
  if (event.type === EVENT_ID.SCALAR) return event.valueStart
  return 'start' in event && typeof event.start === 'number' ? event.start : 0
}

function position(text: string, offset: number): string {
  const before = text.slice(0, Math.max(offset, 0))
  const line = before.split('\n').length
  return `${line}:${before.length - before.lastIndexOf('\n')}`
}

function forbidden(thing: string, offset: number, text: string, file: string): SallyportError {
  return new SallyportError({
    code: 'DOCUMENT_SYNTAX',
    where: `${file}:${position(text, offset)}`,
    expected: 'one YAML document of plain mappings, sequences and scalars',
    found: `a YAML ${thing}`,
    fix: 'Write the value out where it is used',
  })
}

function explain(cause: unknown, file: string, maxDepth: number): SallyportError {
  if (!(cause instanceof YAMLException)) {
    return syntax(
      file,
      'a YAML document',
      cause instanceof Error ? quote(cause.message) : 'something else',
      cause,
    )
  }
  const mark = cause.mark as { readonly line?: number; readonly column?: number } | undefined
  const where =
    mark?.line === undefined ? file : `${file}:${mark.line + 1}:${(mark.column ?? 0) + 1}`
  if (/depth|nest/i.test(cause.reason)) return tooDeep(where, maxDepth)
  if (/duplicate/i.test(cause.reason)) {
    return new SallyportError(
      {
        code: 'DOCUMENT_DUPLICATE_KEY',
        where,
        expected: 'each key once in a mapping',
        found: 'the same key twice',
        fix: 'Remove one of the two; a reader cannot know which one you meant',
      },
      { cause },
    )
  }
  return syntax(where, 'a YAML document', cause.reason, cause)
}
