import { parseReference, type Reference } from '#evidence'
import { quote, SallyportError, type Problem } from '#error'
import type { NamedImage } from './images.ts'

/**
 * Which artifact an image field means. Nothing is made up: a name without registry means another image on every node
 * that has another default.
 */
export function artifactOf({ field, image }: NamedImage): Reference | Problem {
  if (image.startsWith(scheme)) return withScheme({ field, image })
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

/** As the command line takes it; no node does, and the pod would never start. */
const scheme = 'oci://'

function withScheme({ field, image }: Pick<NamedImage, 'field' | 'image'>): Problem {
  return {
    code: 'ADMISSION_IMAGE',
    where: field,
    expected: 'a name that nodes take',
    found: quote(image, 200),
    fix: `Leave out ${scheme} in ${field}`,
  }
}

/** What to write instead of a tag; `means` is the digest that it means now, or why that is not known. */
export function unpinned({ field, image }: NamedImage, means: string | Problem): Problem {
  const written = quote(image, 200)
  const pinnedBy = (digest: string, length: number) =>
    quote(`${image.split('@')[0] ?? image}@sha256:${digest}`, length)
  const behind = `Write the digest behind the tag: ${pinnedBy('…', 200)}`
  return {
    code: 'ADMISSION_UNPINNED',
    where: field,
    expected: 'an image with its digest, so that what is verified is what runs',
    ...(typeof means === 'string'
      ? {
          found: `${written}, which means sha256:${means} now`,
          fix: `Write ${pinnedBy(means, 300)} in ${field}`,
        }
      : untold(means, written, behind)),
  }
}

function untold(why: Problem, written: string, behind: string): Pick<Problem, 'found' | 'fix'> {
  if (why.code === 'EVIDENCE_REGISTRY_NOT_ALLOWED')
    return {
      found: `${written}, of a registry that the gate may not ask what it means now`,
      fix: `${behind}; or ask the operator of the gate to add ${why.found} to evidence.registries.allow`,
    }
  if (why.code === 'EVIDENCE_ARTIFACT_MISSING')
    return {
      found: `${written}, and its registry has no such tag, or does not show it to the gate`,
      fix: 'Push the image, correct the tag, or give the gate leave to see it; then write the digest behind the tag',
    }
  return {
    found: `${written}, and its registry could not say what it means now: ${why.found}`,
    fix: behind,
  }
}

/** Where what a tag means has to be known: that it could not be told. Undefined when asking again would not help. */
export function undecidable({ field, image }: NamedImage, why: Problem): Problem | undefined {
  if (why.code === 'EVIDENCE_REGISTRY_NOT_ALLOWED' || why.code === 'EVIDENCE_ARTIFACT_MISSING')
    return undefined
  return {
    code: 'EVIDENCE_SOURCE_UNAVAILABLE',
    where: field,
    expected: `to be told what ${quote(image, 200)} means now`,
    found: why.where === undefined ? why.found : `${why.where}: ${why.found}`,
    fix: `${why.fix}; or write the digest behind the tag, and nobody has to be asked what it means`,
  }
}
