import type { CommandLine } from '../command-line.ts'
import type { Plan } from '../commands.ts'
import { defineAsking } from './breakglass/asking.ts'
import { defineAudit } from './breakglass/audit.ts'
import { defineGranting } from './breakglass/granting.ts'
import { defineReviewing } from './breakglass/reviewing.ts'
import { defineStatus } from './breakglass/status.ts'

export function define(command: CommandLine, plan: Plan): void {
  defineAsking(command, plan)
  defineGranting(command, plan)
  defineReviewing(command, plan)
  defineStatus(command, plan)
  defineAudit(command, plan)
}
