import type { JsonObject } from '#document'
import { supplyChainPredicate } from '#layout'
import { readFileBounded } from '../input.ts'
import { readLinks } from './read-links.ts'

/**
 * Puts a layout and its links into one predicate, so that they can travel with an artifact as evidence.
 *
 * @throws SallyportError when a file cannot be read
 */
export async function layoutRecord(options: {
  readonly layout: string
  readonly links: string
}): Promise<JsonObject> {
  return supplyChainPredicate({
    layout: await readFileBounded(options.layout),
    links: await readLinks(options.links),
  })
}
