import { quote, SallyportError, type Problem } from '#error'
import { assemble, type Assembled, type ImportOptions } from './assemble.ts'
import { readCip } from './cip.ts'
import { readDocuments, type ForeignDocument } from './documents.ts'
import { readKyverno } from './kyverno.ts'
import { readKyvernoImages } from './kyverno-images.ts'
import { invalid } from './problems.ts'
import type { ImportEffect, ImportNote, Notes, PolicyDraft } from './model.ts'

/**
 * Reads policies of policy-controller (ClusterImagePolicy) and of Kyverno (`verifyImages` of ClusterPolicy and Policy,
 * ImageValidatingPolicy), and writes policies and a trust file that ask for the same as far as that can be proven. Every
 * line that means something else here, or nothing, has a note.
 *
 * @throws SallyportError DOCUMENT_… and IMPORT_INVALID for what is wrong with any of them, IMPORT_NOTHING
 */
export function importPolicies(
  files: readonly { readonly file: string; readonly bytes: Uint8Array }[],
  options: ImportOptions,
): Assembled {
  const notes: ImportNote[] = []
  const problems: Problem[] = []
  const collect = <T>(work: () => readonly T[]): readonly T[] => {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error
      problems.push(...error.problems)
      return []
    }
  }
  const documents = files.flatMap(({ file, bytes }) => collect(() => readDocuments(file, bytes)))
  const known = documents.filter((document) => readerOf(document) !== undefined)
  for (const { kind, name, locate } of documents.filter((one) => !known.includes(one))) {
    const text = `${quote(kind, 60)} ${quote(name, 100)} is no policy about images that is known`
    notes.push({ where: locate([]), effect: 'dropped', text })
  }
  const drafts = known.flatMap((document) =>
    collect(() => readerOf(document)?.(document, notesOf(document, notes)) ?? []),
  )
  SallyportError.throwAll(problems)
  if (known.length === 0) throw new SallyportError(nothing(files.map(({ file }) => file)))
  const made = assemble(drafts, options)
  return { ...made, notes: [...notes, ...made.notes] }
}

type Reader = (document: ForeignDocument, notes: Notes) => readonly PolicyDraft[]

function readerOf({ apiVersion, kind, value }: ForeignDocument): Reader | undefined {
  const [group = ''] = apiVersion.split('/')
  if (group === 'policy.sigstore.dev' && kind === 'ClusterImagePolicy') {
    return (document, notes) => [readCip(document, notes)]
  }
  if (group === 'kyverno.io' && (kind === 'ClusterPolicy' || kind === 'Policy')) {
    return JSON.stringify(value).includes('"verifyImages"') ? readKyverno : undefined
  }
  const isImages = kind === 'ImageValidatingPolicy' || kind === 'NamespacedImageValidatingPolicy'
  if (group === 'policies.kyverno.io' && isImages) {
    return (document, notes) => [readKyvernoImages(document, notes)]
  }
  return undefined
}

/** Who writes a policy can write any number of lines that mean nothing here. */
const maxNotes = 10_000

function notesOf({ locate }: ForeignDocument, notes: ImportNote[]): Notes {
  return {
    add(path, effect: ImportEffect, text) {
      const shown = path
        .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
        .join('')
      const where = `${locate(path)} ${shown.replace(/^\./, '')}`
      if (notes.length >= maxNotes) {
        throw new SallyportError(invalid(where, `at most ${maxNotes} lines to tell of`, 'more'))
      }
      notes.push({ where, effect, text })
    },
  }
}

function nothing(files: readonly string[]): Problem {
  return {
    code: 'IMPORT_NOTHING',
    where: files.join(', '),
    expected:
      'a ClusterImagePolicy, a Kyverno ClusterPolicy or Policy with verifyImages, or an ImageValidatingPolicy',
    found: 'none of them',
    fix: 'Name a file with such a policy, such as the output of `kubectl get clusterimagepolicy NAME -o yaml`',
  }
}
