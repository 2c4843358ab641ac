import { parseReference, type Reference } from '#evidence'
import { quote, SallyportError, type Problem } from '#error'
import type { NamedImage } from './images.ts'

/**
 * Which artifact an image field means. Nothing is made up: a name without registry means another image on every node
 * that has another default.
 */
export function artifactOf({ field, image }: NamedImage): Reference | Problem {
  try {
    return parseReference(image)
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    return {
      code: 'ADMISSION_IMAGE',
      where: field,
      expected: error.expected,
      found: quote(image, 200),
      fix: error.fix,
    }
  }
}

/** What to write instead of a tag. */
export function unpinned({ field, image }: NamedImage, digest: string | undefined): Problem {
  const name = image.split('@')[0] ?? image
  return {
    code: 'ADMISSION_UNPINNED',
    where: field,
    expected: 'an image with its digest, so that what is verified is what runs',
    found:
      digest === undefined
        ? `${quote(image, 200)}, and the registry does not say what it means now`
        : `${quote(image, 200)}, which means sha256:${digest} now`,
    fix:
      digest === undefined
        ? `Write the digest behind the tag: ${quote(`${name}@sha256:…`, 200)}`
        : `Write ${quote(`${name}@sha256:${digest}`, 300)} in ${field}`,
  }
}
