import type { FileHandle } from 'node:fs/promises'
import type { VerifyReport } from '#app'
import { SallyportError } from '#error'
import type { CommandLine } from '../command-line.ts'
import { collect } from '../collect.ts'
import type { Plan } from '../commands.ts'
import { decisionOutcome, markdownOutcome, sarifOutcome } from '../decision-outcome.ts'
import type { Outcome } from '../outcome.ts'
import { openOutput } from '../output-file.ts'
import type { Session } from '../session.ts'

interface Options {
  readonly environment: string
  readonly service: string
  readonly bundle: readonly string[]
  readonly grant: readonly string[]
  readonly evidence: readonly string[]
  readonly policy: readonly string[]
  readonly trust?: string
  readonly markdown: boolean
  readonly sarif: boolean
  readonly export?: string
  readonly buildRecord?: string | true
}

export function define(command: CommandLine, plan: Plan): void {
  command
    .argument('<artifact>', artifactHelp)
    .needs('--environment <name>', 'where it would run')
    .needs('--service <name>', 'as which service')
    .option('--bundle <file>', bundleHelp, collect, [])
    .option('--grant <file>', grantHelp, collect, [])
    .option('--evidence <place>', evidenceHelp, collect, [])
    .option('--policy <file>', 'policies, instead of those of the home (repeatable)', collect, [])
    .option('--trust <file>', 'the trust file, instead of that of the home')
    .option('--markdown', 'print Markdown, for a comment on a pull request', false)
    .option('--sarif', 'print the reasons as SARIF, for code-scanning services', false)
    .option(
      '--build-record [file]',
      'only with a receipt that its build is recorded elsewhere (default: the one beside it)',
    )
    .option('--export <file>', 'write what was believed as JSON, for other policy engines')
    .action((artifact: string, options: Options) =>
      plan('nothing was decided', (session) => verify(session, artifact, options)),
    )
}

/** What an artifact may be called at the command line. */
export const artifactHelp =
  'a file, sha256:HEX, oci://HOST/NAME:TAG, oci://HOST/NAME@sha256:HEX, or pkg:npm/NAME@VERSION'
export const bundleHelp =
  'a file of evidence; no other place is looked at then, but those of --evidence (repeatable)'
const grantHelp = 'a grant of breakglass, besides the evidence wherever it is (repeatable)'
export const evidenceHelp =
  'a folder or store of evidence to look in, too; those of every day stand in sallyport.yaml (repeatable)'

async function verify(session: Session, artifact: string, options: Options): Promise<Outcome> {
  const { verifyArtifact } = await import('#app')
  const { environment, service, bundle, grant, evidence, policy, trust } = options
  await using file = options.export === undefined ? undefined : await openExport(options.export)
  session.terminal.status('deciding')
  const report = await verifyArtifact({
    config: await session.config(),
    artifact,
    target: { environment, service },
    bundles: bundle,
    grants: grant,
    evidence,
    policies: policy,
    ...(trust === undefined ? {} : { trust }),
    ...recordOf(options),
    now: session.now(),
  })
  if (file !== undefined && options.export !== undefined)
    await writeExport(file, options.export, report)
  if (options.sarif) return await sarifOutcome(report, session)
  return options.markdown
    ? await markdownOutcome(report, session)
    : decisionOutcome(report, session)
}

function recordOf({ buildRecord }: Options) {
  if (buildRecord === undefined) return {}
  return { buildRecord: buildRecord === true ? {} : { file: buildRecord } }
}

/** Opened before anything is decided: who cannot be given the export is not given a decision without it. */
async function openExport(file: string): Promise<FileHandle> {
  try {
    return await openOutput(file, 'w')
  } catch (cause) {
    throw unwritable(file, cause)
  }
}

async function writeExport(handle: FileHandle, file: string, report: VerifyReport): Promise<void> {
  try {
    await handle.writeFile(`${JSON.stringify(report.exportVerified(), undefined, 2)}\n`)
  } catch (cause) {
    throw unwritable(file, cause)
  }
}

function unwritable(file: string, cause: unknown): SallyportError {
  const { code = 'an unknown error' } = cause as NodeJS.ErrnoException
  return new SallyportError(
    {
      code: 'FILE_UNWRITABLE',
      where: file,
      expected: 'a file that can be written, with room in it',
      found: code,
      fix: 'Name another file with --export, or make this one writable',
    },
    { cause },
  )
}
