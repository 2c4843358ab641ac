import { parseParagraph, type Paragraph } from './control.ts'
import { debPackageOf, type DebPackage, type Universe } from './closure.ts'

/** A package as an archive's index lists it. */
export interface IndexedPackage extends DebPackage {
  readonly sha256: string
  readonly size: number
}

/** A Packages index: some 60,000 paragraphs, of which a few are ever read. */
export interface PackagesIndex extends Universe<IndexedPackage> {
  /** The package whose .deb has this digest. */
  withDigest(sha256: string): IndexedPackage | undefined
}

export function openPackagesIndex(text: string, architecture: string, what: string): PackagesIndex {
  // Only the few names of a closure are looked up by name, and often none.
  let starts: ReadonlyMap<string, number> | undefined
  const read = (start: number): IndexedPackage => indexed(paragraphAt(text, start), architecture)
  return {
    what,
    named(name) {
      starts ??= startsOf(text)
      const start = starts.get(name)
      return start === undefined ? undefined : read(start)
    },
    providing: (name) => providersOf(text, name).map(read),
    withDigest(sha256) {
      const at = text.indexOf(`\nSHA256: ${sha256}\n`)
      return at === -1 ? undefined : read(startOfParagraph(text, at))
    },
  }
}

function startsOf(text: string): Map<string, number> {
  const starts = new Map<string, number>()
  for (const { match, start } of oncePerParagraph(text, /^Package: (\S+)$/gm)) {
    const [, name = ''] = match
    if (!starts.has(name)) starts.set(name, start)
  }
  return starts
}

function providersOf(text: string, name: string): number[] {
  const escaped = name.replaceAll(/[.+]/g, String.raw`\$&`)
  const field = new RegExp(`^Provides:[^\\n]*[ ,]${escaped}(?=[ ,\\n(])`, 'gm')
  return [...oncePerParagraph(text, field)].map(({ start }) => start)
}

/** The first match in each paragraph, and where that begins: a field that stands there a thousand times is no thousand packages. */
function* oncePerParagraph(
  text: string,
  field: RegExp,
): Generator<{ readonly match: RegExpExecArray; readonly start: number }> {
  for (let match = field.exec(text); match !== null; match = field.exec(text)) {
    yield { match, start: startOfParagraph(text, match.index) }
    const end = text.indexOf('\n\n', match.index)
    if (end === -1) return
    field.lastIndex = end
  }
}

function startOfParagraph(text: string, at: number): number {
  const blank = text.lastIndexOf('\n\n', at)
  return blank === -1 ? 0 : blank + 2
}

function paragraphAt(text: string, start: number): Paragraph {
  const end = text.indexOf('\n\n', start)
  return parseParagraph(text.slice(start, end === -1 ? text.length : end))
}

function indexed(fields: Paragraph, architecture: string): IndexedPackage {
  return {
    ...debPackageOf(fields, architecture),
    sha256: fields.get('sha256') ?? '',
    size: Number(fields.get('size') ?? Number.NaN),
  }
}
