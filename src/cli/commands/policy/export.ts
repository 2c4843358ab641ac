import type { CommandLine } from '../../command-line.ts'
import type { Plan } from '../../commands.ts'
import { jsonText } from '../../json-text.ts'
import { parseCount } from '../../number.ts'
import type { Outcome } from '../../outcome.ts'
import type { Session } from '../../session.ts'

export function defineExport(command: CommandLine, plan: Plan): void {
  command
    .description('print what a recorded decision believed, as JSON for other policy engines')
    .argument('<index>', 'which decision of the log', parseCount)
    .action((index: number) =>
      plan('nothing was exported', (session) => exportDecision(session, index)),
    )
}

async function exportDecision(session: Session, index: number): Promise<Outcome> {
  const { exportRecorded } = await import('#app')
  const { exported } = await exportRecorded(await session.config(), index)
  return { exit: 0, json: exported, text: jsonText(exported) }
}
