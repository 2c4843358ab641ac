import { homeOf, loadConfig, type Config, type ConfigOptions } from '#config'
import {
  buildArtifact,
  type BuildArtifactOptions,
  type BuildEvent,
  type BuildReport,
} from '../builds/build.ts'
import { inspectCheckout, type Checkout } from '../checkout.ts'
import { openGate, startLogSigner } from '../gate.ts'
import { homeFacts } from '../init/facts.ts'
import { initHome, type InitReport } from '../init/init.ts'
import { logVerify } from '../log.ts'
import { ask, readQuestion, type VerifyReport } from '../verify.ts'
import { BuildLines, finishedOn } from './build-lines.ts'
import { Teller, type NextCommand, type StoryLine, type StoryReport } from './story.ts'

export interface StoryOptions extends ConfigOptions {
  readonly now: () => Date
  readonly onLine: (line: StoryLine) => void
  /** What happens during the build, for a person who waits. */
  readonly onEvent: (event: BuildEvent) => void
}

/**
 * The whole path on a real input, the checkout it is called in: its last commit is built in the sandbox, two
 * environments decide about the artifact, both decisions are recorded, and the log proves itself.
 */
export async function tellStory(options: StoryOptions): Promise<StoryReport> {
  const teller = new Teller(options.onLine)
  const checkout = await inspectCheckout(options.cwd, homeOf(options))
  const { service } = await homeFacts(options)
  sayHome(teller, await initHome({ ...options, now: options.now() }))
  const config = loadConfig(options)
  const built = await buildCheckout({ teller, checkout, config }, options)
  const [artifact] = built.artifacts
  if (artifact === undefined) throw new TypeError('a build without artifacts has no provenance')
  const reports = await decideTwice(teller, { config, service, artifact: artifact.path }, options)
  const isWhole = await sayLog(teller, config)
  const [staging] = reports
  return {
    lines: teller.lines,
    artifact: artifact.path,
    sha256: artifact.sha256,
    next: nextCommands(artifact.path, service, reports),
    exit: isWhole ? (staging?.exit ?? 3) : 3,
    milliseconds: teller.milliseconds,
  }
}

function sayHome(teller: Teller, { home, items }: InitReport): void {
  const made = items.filter(({ state }) => state === 'made')
  const keys = items.filter(({ path }) => path.endsWith('.pem')).length
  const what = `${keys} keys, a trust file, the policies of two environments`
  const text = made.length === 0 ? `${home}, as it was left` : `${home} made: ${what}`
  teller.say({ name: 'home', text })
}

interface Building {
  readonly teller: Teller
  readonly checkout: Checkout
  readonly config: Config
}

/** A build of weeks ago would be refused for its age; then it is made again, and gives the same bytes. */
const freshFor = 7 * 86_400_000

async function buildCheckout(
  { teller, checkout, config }: Building,
  { onEvent, now, cwd, env }: StoryOptions,
): Promise<BuildReport> {
  const lines = new BuildLines(teller, checkout)
  const options: BuildArtifactOptions = {
    config,
    cwd,
    repository: checkout.top,
    revision: checkout.commit,
    ...(checkout.ref === undefined ? {} : { ref: checkout.ref }),
    parameters: {},
    env,
    now,
    onEvent: (event) => {
      lines.on(event)
      onEvent(event)
    },
  }
  const known = await buildArtifact(options)
  const age = now().getTime() - Date.parse(finishedOn(known) ?? '')
  const report =
    known.reused && !(age < freshFor) ? await buildArtifact({ ...options, reuse: false }) : known
  lines.finish(report)
  return report
}

interface Deciding {
  readonly config: Config
  readonly service: string
  readonly artifact: string
}

async function decideTwice(
  teller: Teller,
  { config, service, artifact }: Deciding,
  { now }: StoryOptions,
): Promise<readonly VerifyReport[]> {
  const starting = startLogSigner(config)
  starting.catch(() => undefined)
  const question = await readQuestion({ config, artifact, bundles: [], policies: [] })
  await using gate = await openGate(config, starting)
  const reports: VerifyReport[] = []
  for (const environment of ['staging', 'production']) {
    const target = { environment, service }
    const report = await ask(question, gate, { config, target, now: now() })
    teller.say({ name: environment, text: report.decision.verdict, report })
    reports.push(report)
  }
  return reports
}

async function sayLog(teller: Teller, config: Config): Promise<boolean> {
  const { ok, size, root, origin, signatures } = await logVerify(config)
  const entries = `${size} ${size === 1 ? 'entry' : 'entries'}`
  teller.say({
    name: 'log',
    text: `both recorded before they were told; ${origin} has ${entries} and ${ok ? 'verifies' : 'DOES NOT VERIFY: run `sallyport log verify`'}`,
    notes: [`${signatures.length} signatures on root ${root}`],
  })
  return ok
}

/** Three commands that a reader can copy and that work, whatever state the home is in. */
function nextCommands(
  artifact: string,
  service: string,
  [, production]: readonly VerifyReport[],
): NextCommand[] {
  const inProduction = `${artifact} --environment production`
  const replay = {
    what: 'decide again everything that was ever recorded',
    command: 'sallyport log replay',
  }
  const reasons = production?.decision.reasons ?? []
  if (reasons.length > 0 && reasons.every(({ code }) => code.startsWith('APPROVAL_'))) {
    return [
      {
        what: 'approve it, as the release manager whose key is in the home',
        command: `sallyport approve ${inProduction} --reason "it works"`,
      },
      {
        what: 'ask again: now production allows it',
        command: `sallyport verify ${inProduction} --service ${service}`,
      },
      replay,
    ]
  }
  return [
    {
      what: 'build it again from its provenance alone, and compare',
      command: `sallyport rebuild ${artifact}`,
    },
    { what: 'say what each signature on it claims', command: `sallyport inspect ${artifact}` },
    replay,
  ]
}
