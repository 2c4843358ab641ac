import { SallyportError } from '#error'
import {
  decodeText,
  isObject,
  parseYaml,
  type Json,
  type JsonObject,
  type YamlDocument,
} from '#document'
import { invalid } from './problems.ts'

/** One Kubernetes object of a file. */
export interface ForeignDocument {
  readonly file: string
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly value: JsonObject
  readonly locate: YamlDocument['locate']
}

const maxBytes = 1024 * 1024
const maxDocuments = 256

/**
 * The objects of a YAML file with any number of documents; empty ones are left out. Lines are counted in the whole file.
 *
 * @throws SallyportError DOCUMENT_…
 */
export function readDocuments(file: string, bytes: Uint8Array): readonly ForeignDocument[] {
  const lines = decodeText(bytes, file, maxBytes).split(/\r?\n/)
  const starts = lines.flatMap((line, index) => (/^---(?:\s|$)/.test(line) ? [index] : []))
  if (starts.length > maxDocuments) {
    const where = `${file}:${(starts[maxDocuments] ?? 0) + 1}:1`
    throw new SallyportError(
      invalid(where, `at most ${maxDocuments} documents in a file`, `${starts.length}`),
    )
  }
  const bounds = [-1, ...starts, lines.length]
  return bounds.slice(0, -1).flatMap((start, index) => {
    const end = bounds[index + 1] ?? lines.length
    const body = lines.slice(start + 1, end)
    if (body.every((line) => /^\s*(?:#.*)?$/.test(line))) return []
    // Empty lines stand for what came before, so that places are those of the file.
    const text = '\n'.repeat(start + 1) + body.join('\n')
    const { value, locate } = parseYaml(Buffer.from(text), { file, maxBytes: 2 * maxBytes })
    return [documentOf(file, value, locate)]
  })
}

function documentOf(file: string, value: Json, locate: YamlDocument['locate']): ForeignDocument {
  const object = isObject(value) ? value : {}
  const metadata = object['metadata']
  const name = isObject(metadata) ? textOf(metadata['name']) : ''
  const [apiVersion, kind] = [textOf(object['apiVersion']), textOf(object['kind'])]
  return { file, apiVersion, kind, name, value: object, locate }
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}
