import { InvalidArgumentError } from 'commander'
import type { CommandLine } from '../command-line.ts'
import type { Plan } from '../commands.ts'
import { escapeLine } from '../escape.ts'
import { parseCount } from '../number.ts'
import type { Outcome } from '../outcome.ts'
import type { Session } from '../session.ts'

interface Options {
  readonly format: 'vsa' | 'svr'
  readonly resourceUri?: string
  readonly policyUri?: string
  readonly output?: string
}

export function define(command: CommandLine, plan: Plan): void {
  command
    .command('key')
    .description('make the key that signs summaries, and print what those who believe it write')
    .action(() => plan('no key was made', key))
  command
    .command('sign')
    .description('sign what was decided, for others who need not verify again')
    .argument('<index>', 'the decision, by its place in the log', parseCount)
    .option(
      '--format <name>',
      'vsa (SLSA Verification Summary) or svr (Simple Verification Result)',
      parseFormat,
      'vsa',
    )
    .option('--resource-uri <uri>', 'under which URI the artifact is fetched or deployed')
    .option('--policy-uri <uri>', 'where the policy can be read')
    .option('--output <file>', 'the file that it is added to (default: HEX.sigstore.jsonl)')
    .action((index: number, options: Options) =>
      plan('nothing was signed', (session) => sign(session, index, options)),
    )
}

function parseFormat(text: string): 'vsa' | 'svr' {
  if (text === 'vsa' || text === 'svr') return text
  throw new InvalidArgumentError('vsa or svr')
}

async function key(session: Session): Promise<Outcome> {
  const { makeVerifierKey } = await import('#app')
  const made = await makeVerifierKey(await session.config())
  const since = `${session.now().toISOString().slice(0, 19)}Z`
  const pem = made.publicKeyPem.trim().split('\n')
  return {
    exit: 0,
    json: { apiVersion: 'sallyport.dev/v1', kind: 'VerifierKeyReport', ...made },
    text: [
      `sallyport: ${session.outLook().paint.good('made')}: ${escapeLine(made.file)}`,
      '',
      'Whoever believes these summaries writes this into `signers` of their trust file:',
      '',
      '  gate:',
      '    keys:',
      '      - publicKey: |',
      ...pem.map((line) => `          ${line}`),
      `        validFrom: ${since}`,
      '    predicateTypes: [https://slsa.dev/verification_summary/v1]',
      `    verifiers: [${escapeLine(JSON.stringify(made.verifierId))}]`,
    ].join('\n'),
  }
}

async function sign(session: Session, index: number, options: Options): Promise<Outcome> {
  const { signSummary } = await import('#app')
  session.terminal.status('signing')
  const report = await signSummary({ config: await session.config(), index, ...options })
  const { paint } = session.outLook()
  const { artifact, result, file, verifierId } = report
  const text = `${artifact.name} ${result} by ${verifierId}, in ${file}`
  return {
    exit: 0,
    json: {
      apiVersion: 'sallyport.dev/v1',
      kind: 'SummaryReport',
      ...report,
      artifact: { ...artifact },
    },
    text: `sallyport: ${paint.good('signed')}: ${escapeLine(text)}`,
  }
}
