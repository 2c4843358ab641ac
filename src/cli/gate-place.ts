import type { ServerPlace } from '#app'
import { SallyportError } from '#error'
import type { CommandLine } from './command-line.ts'

/** How to be believed by a gate that runs. */
export interface TokenOptions {
  readonly tokenFile?: string
  readonly tokenEnv?: string
  readonly ca?: string
}

export interface GateOptions extends TokenOptions {
  readonly gate?: string
}

/** `--gate`, and what belongs to it. */
export function gateOptions(
  command: CommandLine,
  description = 'ask a gate that runs, in place of the home of this machine',
): CommandLine {
  return tokenOptions(command.option('--gate <url>', description))
}

export function tokenOptions(command: CommandLine): CommandLine {
  return command
    .option('--token-file <file>', 'the token for the gate, in a file')
    .option('--token-env <name>', 'the token for the gate, in an environment variable')
    .option('--ca <file>', 'certificates (PEM) of the authority of the gate')
}

/**
 * The gate that is to be asked; undefined when none is named.
 *
 * @throws SallyportError USAGE_VALUE unless there is an address and exactly one token
 */
export function gatePlace(
  url: string | undefined,
  { tokenFile, tokenEnv, ca }: TokenOptions,
  { where, flag = '--gate' }: { readonly where: string; readonly flag?: string },
): ServerPlace | undefined {
  const extra = [tokenFile, tokenEnv, ca].filter((one) => one !== undefined)
  if (url === undefined && extra.length === 0) return undefined
  const token = tokenFile === undefined ? { env: tokenEnv ?? '' } : ({ file: tokenFile } as const)
  const isOne = (tokenFile === undefined) !== (tokenEnv === undefined)
  if (url !== undefined && isOne) return { url, token, ...(ca === undefined ? {} : { ca }) }
  throw new SallyportError({
    code: 'USAGE_VALUE',
    where,
    expected: `${flag} together with --token-file or --token-env`,
    found:
      url === undefined ? `no ${flag}` : extra.length === 0 ? 'no token' : 'not exactly one token',
    fix: 'Add what is missing, or leave all of them out to use the home of this machine',
  })
}
