import { stat } from 'node:fs/promises'
import { quote, type Problem } from '#error'
import type { Artifacts } from '#layout'
import { unreadable } from './read-links.ts'
import { recordFiles, sha256 } from './record-files.ts'

/**
 * Compares what is to be used with what the last step made: a file by its bytes, a folder file by file. A layout without
 * inspections says nothing about the product itself, so nobody else would notice that it is another one.
 *
 * @throws SallyportError LAYOUT_UNREADABLE
 */
export async function checkProduct(
  product: string,
  products: Artifacts,
): Promise<readonly Problem[]> {
  const info = await stat(product).catch((cause: unknown) => {
    throw unreadable(product, cause)
  })
  if (!info.isDirectory()) {
    const digest = await sha256(product)
    return isProduct(products, digest) ? [] : [otherProduct(product, digest, products)]
  }
  const files = await recordFiles(product)
  if (files.size === 0) return [nothing(product)]
  return [...files].flatMap(([path, { sha256: digest = '' }]) =>
    products.get(path)?.['sha256']?.toLowerCase() === digest
      ? []
      : [otherProduct(`${product}/${path}`, digest, products)],
  )
}

function isProduct(products: Artifacts, digest: string): boolean {
  return [...products.values()].some((hashes) => hashes['sha256']?.toLowerCase() === digest)
}

function otherProduct(where: string, digest: string, products: Artifacts): Problem {
  const made = [...products]
    .slice(0, 3)
    .map(([path, hashes]) => `${quote(path, 80)} sha256:${hashes['sha256'] ?? ''}`)
  return {
    code: 'LAYOUT_PRODUCT',
    where,
    expected: `what the last step made: ${made.length === 0 ? 'nothing' : made.join(', ')}`,
    found: `sha256:${digest}`,
    fix: 'Get the product again from where the last step put it; if it was changed on purpose, make that a step',
  }
}

function nothing(where: string): Problem {
  return {
    code: 'LAYOUT_PRODUCT',
    where,
    expected: 'the files of the product',
    found: 'a folder without files',
    fix: 'Name the folder that the product is in: --product DIR',
  }
}
