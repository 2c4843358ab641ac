import type { AttachReport } from '#app'
import type { JsonObject } from '#document'
import type { CommandLine } from '../command-line.ts'
import type { Plan } from '../commands.ts'
import { escapeLine } from '../escape.ts'
import type { Outcome } from '../outcome.ts'
import { plural, type Look } from '../render.ts'
import type { Session } from '../session.ts'
import { table } from '../table.ts'

export function define(command: CommandLine, plan: Plan): void {
  command
    .argument('<file>', 'a file of attestations, each about the image')
    .argument('<image>', 'oci://HOST/NAME@sha256:HEX')
    .action((file: string, image: string) =>
      plan('nothing was attached', (session) => attach(session, file, image)),
    )
}

async function attach(session: Session, file: string, artifact: string): Promise<Outcome> {
  const { attachEvidence } = await import('#app')
  session.terminal.status('attaching')
  const report = await attachEvidence({ config: await session.config(), file, artifact })
  return {
    exit: 0,
    json: {
      apiVersion: 'sallyport.dev/v1',
      kind: 'AttachReport',
      ...(JSON.parse(JSON.stringify(report)) as JsonObject),
    },
    text: textOf(report, session.outLook()),
  }
}

function textOf(report: AttachReport, look: Look): string {
  const { artifact, attached } = report
  const count = `${attached.length} ${plural(attached.length, 'attestation')}`
  const head = `sallyport: ${look.paint.good('attached')}: ${count} to ${escapeLine(artifact)}`
  return `${head}\n\n${attachedRows(report, look)}`
}

/** One line for each attestation: what it is, where it lies, and how it is found there. */
export function attachedRows({ attached }: AttachReport, { paint }: Look): string {
  const rows = attached.map(({ predicateType, manifest, by }) => [
    escapeLine(predicateType),
    `sha256:${manifest}`,
    paint.faint(by === 'referrers' ? 'by the referrers API' : 'by the tag that stands for it'),
  ])
  return table(rows, '  ')
}
