import type { SchemaName } from '#app'
import type { CommandLine } from '../../command-line.ts'
import type { Plan } from '../../commands.ts'
import { jsonText } from '../../json-text.ts'

/** `sallyport policy schema [policy|trust|meta]` */
export function defineSchema(command: CommandLine, plan: Plan): void {
  command
    .description('print the JSON Schema of a document, for editors')
    .addArgument(
      command
        .createArgument('[document]', 'which one')
        .choices(['policy', 'trust', 'meta'])
        .default('policy'),
    )
    .action((name: SchemaName) =>
      plan('there is no schema', async () => {
        const { documentSchema } = await import('#app')
        const json = await documentSchema(name)
        return { exit: 0, json, text: jsonText(json) }
      }),
    )
}
