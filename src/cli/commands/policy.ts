import type { CommandLine } from '../command-line.ts'
import type { Plan } from '../commands.ts'
import { defineCheck } from './policy/check.ts'
import { defineDiff } from './policy/diff.ts'
import { defineExplain } from './policy/explain.ts'
import { defineExport } from './policy/export.ts'
import { defineImport } from './policy/import.ts'
import { defineLintPipeline } from './policy/lint-pipeline.ts'
import { defineSchema } from './policy/schema.ts'
import { defineTest } from './policy/test.ts'
import { defineVerdict } from './policy/verdict.ts'

/** Policies as code. One file of `policy/` per subcommand. */
export function define(command: CommandLine, plan: Plan): void {
  defineCheck(command.command('check'), plan)
  defineExplain(command.command('explain'), plan)
  defineLintPipeline(command.command('lint-pipeline'), plan)
  defineSchema(command.command('schema'), plan)
  defineTest(command.command('test'), plan)
  defineDiff(command.command('diff'), plan)
  defineImport(command.command('import'), plan)
  defineExport(command.command('export'), plan)
  defineVerdict(command.command('verdict'), plan)
}
