import { InvalidArgumentError } from 'commander'
import type { CommandLine } from '../command-line.ts'
import type { Plan } from '../commands.ts'
import { parseCount } from '../number.ts'
import { listGrants, type ListOptions } from './access/list.ts'
import { reviewGrants, type ReviewOptions } from './access/review.ts'

export function define(command: CommandLine, plan: Plan): void {
  command
    .command('list')
    .description('every permission: who, what, where written, until when, reviewed and used when')
    .option('--findings', 'only those that somebody has to do something about', false)
    .option('--kind <kind>', `only these: ${kinds.join(', ')}`, parseKind)
    .option('--entries <count>', 'how many of the newest entries tell of uses', parseCount, 100_000)
    .option('--exit-code', 'end with 1 when there are findings, for CI', false)
    .action((options: ListOptions) =>
      plan('it is not known who may do what', (session) => listGrants(session, options)),
    )
  command
    .command('review')
    .description('record that you have looked at grants of others, and that they shall stay')
    .argument('<grant...>', 'the digits that the list shows before each grant', parseDigits)
    .needs('--finding <text>', 'what you found, and why it shall stay')
    .option('--by <name>', 'who you are (default: who you are on this machine)')
    .action((grants: readonly string[], options: ReviewOptions) =>
      plan('nothing was reviewed', (session) => reviewGrants(session, grants, options)),
    )
}

const kinds = [
  'token',
  'certificate',
  'oidc',
  'api-server',
  'open',
  'signer',
  'authority',
  'approver',
  'deployer',
  'rulebook',
  'witness',
  'key',
  'credential',
]

function parseKind(text: string): string {
  if (kinds.includes(text)) return text
  throw new InvalidArgumentError(`one of ${kinds.join(', ')}`)
}

function parseDigits(text: string, previous: readonly string[] = []): readonly string[] {
  if (/^[0-9a-f]{12,64}$/.test(text)) return [...previous, text]
  throw new InvalidArgumentError('12 to 64 hexadecimal digits, as `sallyport access list` shows')
}
