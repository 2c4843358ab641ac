import type { VerifyReport } from '#app'
import type { EvidenceSource } from '#decision'
import { escapeLine } from './escape.ts'
import type { Look } from './render.ts'
import { wrap } from './wrap.ts'

/** What was asked about, and where evidence was looked for: nothing more of a file with what lies beside it. */
export type Subject = Pick<VerifyReport, 'artifact' | 'places'>

/** Which bytes the answer is about, and what each place said; empty when the headline says it all. */
export function renderSubject({ artifact, places }: Subject, look: Look): string {
  if (artifact.kind === 'file' && places.length === 0) return ''
  const { tag } = artifact
  const rows: (readonly [string, string])[] = [
    ['artifact', `sha256:${artifact.digest.sha256}`],
    ...(tag === undefined
      ? []
      : [['tag', `${tag}, resolved once: it may lead elsewhere later`] as const]),
  ]
  const about = rows.map(([label, text]) => row(look.paint.faint(label), label, text, look))
  return [...about, renderPlaces(places, look)].filter((part) => part !== '').join('\n')
}

/** One line for each place where evidence was looked for: found, absent, or unavailable and why. */
export function renderPlaces(places: readonly EvidenceSource[], look: Look): string {
  const paint = { found: look.paint.good, absent: look.paint.faint, unavailable: look.paint.warn }
  return places
    .map(({ name, outcome, detail }) => {
      const text = detail === undefined ? name : `${name}: ${detail}`
      return row(paint[outcome](outcome), outcome, text, look)
    })
    .join('\n')
}

const labelWidth = 'unavailable'.length

function row(painted: string, label: string, text: string, look: Look): string {
  const gap = ' '.repeat(labelWidth - label.length)
  return `  ${painted}${gap}  ${wrap(escapeLine(text), look.width, labelWidth + 4)}`
}
