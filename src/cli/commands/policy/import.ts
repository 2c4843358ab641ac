import type { Assembled, ImportNote } from '#policy'
import type { JsonObject } from '#document'
import type { CommandLine } from '../../command-line.ts'
import type { Plan } from '../../commands.ts'
import { escape, escapeLine } from '../../escape.ts'
import type { Outcome } from '../../outcome.ts'
import type { Look } from '../../render.ts'
import type { Session } from '../../session.ts'
import { wrap } from '../../wrap.ts'

interface Options {
  readonly environment: string
  readonly service?: string
  readonly owner: string
  readonly out?: string
}

/** `sallyport policy import <files...> --environment NAME` */
export function defineImport(command: CommandLine, plan: Plan): void {
  command
    .description(
      'convert policies of policy-controller and Kyverno, and list what does not convert',
    )
    .argument('<files...>', 'ClusterImagePolicy, verifyImages of Kyverno, ImageValidatingPolicy')
    .needs('--environment <name>', 'the environment that the policies are about')
    .option('--service <name>', 'the service; default is one for each policy, of its name')
    .option('--owner <name>', 'who answers for them', 'imported')
    .option('--out <folder>', 'write the files there; default is to print them')
    .action((files: readonly string[], options: Options) =>
      plan('nothing was imported', (session) => importFiles(session, files, options)),
    )
}

async function importFiles(
  session: Session,
  files: readonly string[],
  options: Options,
): Promise<Outcome> {
  const { importForeignPolicies } = await import('#app')
  const made = await importForeignPolicies({ files, ...options })
  const isLooser = made.notes.some(({ effect }) => effect === 'looser')
  const exit = isLooser || made.policies.length === 0 ? 1 : 0
  return { exit, json: jsonOf(made, exit), text: textOf(made, options.out, session.outLook()) }
}

function jsonOf({ policies, trust, notes }: Assembled, exit: number): JsonObject {
  return {
    apiVersion: 'sallyport.dev/v1',
    kind: 'ImportReport',
    exit,
    files: [...policies, ...(trust === undefined ? [] : [trust])].map((file) => ({ ...file })),
    notes: notes.map((note) => ({ ...note })),
  }
}

function textOf(
  { policies, trust, notes }: Assembled,
  out: string | undefined,
  look: Look,
): string {
  const files = [...policies, ...(trust === undefined ? [] : [trust])]
  const shown =
    out === undefined
      ? files.map(({ file, text }) => `--- ${file}\n${escape(text.trimEnd())}`)
      : [files.map(({ file }) => `wrote ${escapeLine(`${out}/${file}`)}`).join('\n')]
  const lines = notes.map((note) => noteText(note, look)).join('\n')
  return [...shown, lines, summary(notes, policies.length, look)]
    .filter((part) => part !== '')
    .join('\n\n')
}

function noteText({ where, effect, text }: ImportNote, look: Look): string {
  const { paint } = look
  const mark = { same: paint.faint, stricter: paint.good, looser: paint.bad, dropped: paint.warn }
  const words = wrap(escapeLine(text), look.width, 10)
  return `${mark[effect](effect.padEnd(8))}  ${escapeLine(where)}\n          ${words}`
}

function summary(notes: readonly ImportNote[], policies: number, { paint }: Look): string {
  const count = (effect: ImportNote['effect']): number =>
    notes.filter((note) => note.effect === effect).length
  const [looser, dropped, stricter] = [count('looser'), count('dropped'), count('stricter')]
  const done = looser === 0 ? paint.good('imported') : paint.bad('imported, and asks for less')
  const state = policies === 0 ? paint.bad('nothing was imported') : done
  const parts = [
    `${policies} ${policies === 1 ? 'policy' : 'policies'}`,
    ...(looser === 0 ? [] : [`${looser} not asked here`]),
    ...(dropped === 0 ? [] : [`${dropped} not converted`]),
    ...(stricter === 0 ? [] : [`${stricter} stricter`]),
  ]
  return `sallyport: ${state}: ${parts.join(' · ')}`
}
