import type { Json, JsonObject } from '#document'
import { readFields, readList, readText } from './fields.ts'
import { malformed } from './refuse.ts'
import type { LinkFile } from './verification.ts'

/** The predicate type of a layout and its links, gathered about one artifact. */
export const supplyChainType = 'https://sallyport.dev/attestation/supply-chain/v1'

/** What a trust file lets the owners of layouts sign. Layouts have no predicate type of their own. */
export const layoutType = 'https://sallyport.dev/attestation/layout/v1'

/** A signed layout and the links that were found for it, as they were found. Their own signatures say what they are worth. */
export interface SupplyChain {
  readonly layout: Uint8Array
  readonly links: readonly LinkFile[]
}

export function supplyChainPredicate({ layout, links }: SupplyChain): JsonObject {
  const encode = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
  return {
    layout: encode(layout),
    links: links.map(({ path, bytes }) => ({ path, content: encode(bytes) })),
  }
}

/**
 * Reads the predicate: layout and links in base64, links by their path in the folder of links.
 *
 * @throws SallyportError LAYOUT_FORMAT
 */
export function readSupplyChain(predicate: JsonObject): SupplyChain {
  const where = 'statement.predicate'
  readFields(predicate, where, ['layout', 'links'])
  return {
    layout: readBytes(predicate['layout'], `${where}.layout`),
    links: readList(predicate['links'], `${where}.links`, readFile),
  }
}

function readFile(value: Json | undefined, where: string): LinkFile {
  const object = readFields(value, where, ['path', 'content'])
  return {
    path: readText(object['path'], `${where}.path`),
    bytes: readBytes(object['content'], `${where}.content`),
  }
}

function readBytes(value: Json | undefined, where: string): Uint8Array {
  const text = readText(value, where)
  const bytes = Buffer.from(text, 'base64')
  // Node's decoder skips what it does not know, so the text is right only when encoding gives it back.
  if (bytes.toString('base64') === text) return bytes
  throw malformed(where, 'standard base64', 'something else')
}
