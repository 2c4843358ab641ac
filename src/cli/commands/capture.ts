import type { Captured } from '#app'
import { SallyportError } from '#error'
import type { JsonObject } from '#document'
import { collect } from '../collect.ts'
import type { CommandLine } from '../command-line.ts'
import type { Plan } from '../commands.ts'
import { escapeLine } from '../escape.ts'
import { parseCount } from '../number.ts'
import type { Outcome } from '../outcome.ts'
import type { Session } from '../session.ts'
import { table } from '../table.ts'
import { artifactHelp, bundleHelp, evidenceHelp } from './verify.ts'

interface Options {
  readonly out: string
  readonly environment?: string
  readonly service?: string
  readonly entry: readonly number[]
  readonly bundle: readonly string[]
  readonly evidence: readonly string[]
  readonly policy: readonly string[]
  readonly trust?: string
}

export function define(command: CommandLine, plan: Plan): void {
  command
    .argument('[artifacts...]', `what would run: ${artifactHelp}`)
    .needs('--out <folder>', 'where the fixtures are written, a folder for each')
    .option('--environment <name>', 'where the files would run')
    .option('--service <name>', 'as which service')
    .option(
      '--entry <index>',
      'a recorded decision instead of a file (repeatable)',
      (text: string, earlier: readonly number[]) => [...earlier, parseCount(text)],
      [],
    )
    .option('--bundle <file>', bundleHelp, collect, [])
    .option('--evidence <place>', evidenceHelp, collect, [])
    .option('--policy <file>', 'policies, instead of those of the home (repeatable)', collect, [])
    .option('--trust <file>', 'the trust file, instead of that of the home')
    .action((artifacts: readonly string[], options: Options) => {
      checkUsage(artifacts, options)
      plan('no fixture was written', (session) => capture(session, artifacts, options))
    })
}

function checkUsage(artifacts: readonly string[], options: Options): void {
  const { environment, service, entry } = options
  const isArtifact = artifacts.length > 0 && environment !== undefined && service !== undefined
  const isEntry = artifacts.length === 0 && entry.length > 0
  if (isArtifact || isEntry) return
  throw new SallyportError({
    code: 'USAGE_MISSING',
    where: 'sallyport capture',
    expected: 'files with --environment and --service, or --entry',
    found: artifacts.length === 0 ? 'neither' : 'files without --environment or --service',
    fix: 'Write `sallyport capture ARTIFACT --environment NAME --service NAME --out fixtures`, or `sallyport capture --entry 12 --out fixtures`',
  })
}

async function capture(
  session: Session,
  paths: readonly string[],
  options: Options,
): Promise<Outcome> {
  const { captureFixtures } = await import('#app')
  const { out, environment = '', service = '', entry, bundle, evidence, policy, trust } = options
  const asked = {
    paths,
    target: { environment, service },
    bundles: bundle,
    evidence,
    policies: policy,
    now: session.now(),
    ...(trust === undefined ? {} : { trust }),
  }
  const captured = await captureFixtures({
    config: await session.config(),
    out,
    entries: entry,
    ...(paths.length === 0 ? {} : { artifacts: asked }),
  })
  return { exit: 0, json: jsonOf(captured), text: textOf(captured) }
}

function jsonOf(captured: readonly Captured[]): JsonObject {
  return {
    apiVersion: 'sallyport.dev/v1',
    kind: 'CaptureReport',
    fixtures: captured.map(({ folder, artifact, target, expected, evidence }) => ({
      folder,
      artifact,
      target: { ...target },
      verdict: expected.verdict,
      evidence,
    })),
  }
}

function textOf(captured: readonly Captured[]): string {
  const rows = captured.map(({ folder, expected, evidence }) => [
    escapeLine(folder),
    `expects ${expected.verdict}`,
    `${evidence} ${evidence === 1 ? 'attestation' : 'attestations'}`,
  ])
  return `${table(rows)}\n\nread them, commit them, and run \`sallyport policy test\``
}
