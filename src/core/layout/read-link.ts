import type { Json, JsonObject } from '#document'
import { quote } from '#error'
import { readConstant, readFields, readList, readMap, readText } from './fields.ts'
import type { Artifacts, Hashes, StepLink } from './layout-types.ts'
import { malformed } from './refuse.ts'

const maxArtifacts = 100_000
const maxPath = 4096

/**
 * Reads what somebody says about doing a step: in-toto specification 1.0, 4.4. By-products and environment are opaque,
 * and nothing follows from them.
 *
 * @throws SallyportError LAYOUT_FORMAT
 */
export function readLink(payload: JsonObject, where: string): StepLink {
  readFields(
    payload,
    where,
    ['_type', 'name', 'materials', 'products'],
    ['command', 'byproducts', 'environment'],
  )
  readConstant(payload['_type'], `${where}: _type`, 'link')
  return {
    name: readText(payload['name'], `${where}: name`),
    command: readCommand(payload['command'], `${where}: command`),
    materials: readArtifacts(payload['materials'], `${where}: materials`),
    products: readArtifacts(payload['products'], `${where}: products`),
  }
}

/** Paths that rules may miss although they lead to the same file. */
export function oddPaths({
  materials,
  products,
}: Pick<StepLink, 'materials' | 'products'>): readonly string[] {
  return [...new Set([...materials.keys(), ...products.keys()])].filter(isOdd)
}

function isOdd(path: string): boolean {
  const parts = path.split('/')
  return (
    parts.some((part) => part === '' || part === '.' || part === '..') ||
    path.includes('\\') ||
    path !== path.normalize('NFC') ||
    // oxlint-disable-next-line no-control-regex -- what is looked for is control characters
    /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/.test(path)
  )
}

/** Some tools write one text. */
function readCommand(value: Json | undefined, where: string): readonly string[] {
  if (value === undefined || value === null || value === '') return []
  return typeof value === 'string' ? [value] : readList(value, where, readText)
}

function readArtifacts(value: Json | undefined, where: string): Artifacts {
  const entries = Object.entries(readMap(value, where))
  if (entries.length > maxArtifacts) {
    throw malformed(where, `at most ${maxArtifacts} files`, String(entries.length))
  }
  return new Map(
    entries.map(([path, hashes]) => {
      if (path.length > maxPath) {
        throw malformed(where, `paths of at most ${maxPath} characters`, String(path.length))
      }
      return [path, readHashes(hashes, `${where}.${quote(path, 100)}`)]
    }),
  )
}

function readHashes(value: Json, where: string): Hashes {
  const entries = Object.entries(readMap(value, where))
  if (entries.length === 0 || entries.length > 16) {
    throw malformed(where, 'one to sixteen digests', String(entries.length))
  }
  return Object.fromEntries(
    entries.map(([algorithm, digest]) => {
      const text = readText(digest, `${where}.${quote(algorithm, 40)}`)
      if (/^[0-9a-fA-F]{1,256}$/.test(text)) return [algorithm, text]
      throw malformed(
        `${where}.${quote(algorithm, 40)}`,
        'a digest in hexadecimal',
        quote(text, 80),
      )
    }),
  )
}
