import { InvalidArgumentError } from 'commander'
import type { CommandLine } from '../command-line.ts'
import type { Plan } from '../commands.ts'
import { parseCount } from '../number.ts'
import { listGrants, type ListOptions } from './access/list.ts'
import { listPaths } from './access/paths.ts'
import { listPoints, type PointsOptions } from './access/points.ts'
import { reviewGrants, type ReviewOptions } from './access/review.ts'
import { addRole, makeToken, parseDays, type TokenOptions } from './access/token.ts'

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
  command
    .command('paths')
    .description('every way into the gate and out of it, and how each side proves who it is')
    .option('--exit-code', 'end with 1 when there are findings, for CI', false)
    .action((options: { readonly exitCode: boolean }) =>
      plan('it is not known how the gate is reached', (session) => listPaths(session, options)),
    )
  command
    .command('points')
    .description('whether each target is reached through its declared choke points only')
    .option('--entries <count>', 'how many of the newest entries are read', parseCount, 100_000)
    .option('--exit-code', 'end with 1 when there are findings, 3 when it cannot be told', false)
    .option('--own-namespace <name>', 'where the gate itself runs', 'sallyport-system')
    .option('--kubeconfig <file>', 'ask this cluster, too, what runs in it')
    .option('--context <name>', 'the context in the kubeconfig (default: the current one)')
    .option('--server <url>', 'the API server, without a kubeconfig')
    .option('--token-file <file>', 'with --server: a bearer token')
    .option('--ca-file <file>', 'with --server: the authority of its certificate')
    .action((options: PointsOptions) =>
      plan('it is not known how targets are reached', (session) => listPoints(session, options)),
    )
  command
    .command('token')
    .description('make a bearer token, and print what the gate is told of it')
    .argument('<name>', 'who or what will show it')
    .needs('--role <role>', 'what it may, once for each role', addRole)
    .needs('--output <file>', 'where the token is written to; there is no such file yet')
    .option('--days <count>', 'how long it counts (default: 90)', parseDays, 90)
    .action((name: string, options: TokenOptions) =>
      plan('no token was made', (session) => makeToken(session, name, options)),
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
  'waiver',
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
