import { readdirSync, unlinkSync, writeFileSync } from 'node:fs'

import { CommandRunner } from './command-runner.ts'
import { Collector, type Refusal } from './collect.ts'
import type { Without } from './defence.ts'
import { environmentOf } from './environment.ts'
import { exhaustedScratch, makeFolders, type Folders } from './folders.ts'
import { attemptsSince, readAttempts, setUpNetwork, type Attempts } from './network.ts'
import { IsolationProbes, recordedDestination } from './probes.ts'
import { CellError, refusalProblem, sandboxFailed, unpackProblem } from './problems.ts'
import type {
  CellAttempt,
  CellOutput,
  CellProbe,
  CellResult,
  CellSpec,
  FromCell,
} from './protocol.ts'
import { SandboxMaker } from './sandbox.ts'
import { Services } from './services-client.ts'
import { unpackTrees } from './trees.ts'
import { BlobError, type Unpacked } from './unpack.ts'

const maxUndeclared = 100
const maxRefused = 20

/** One step, from an empty cell to collected outputs. */
export class CellStep {
  readonly #spec: CellSpec
  readonly #say: (message: FromCell) => void
  readonly #without: Without
  readonly #broken = Promise.withResolvers<never>()
  readonly #cancelled = new AbortController()
  readonly #networked: boolean
  #services: Services | undefined
  #countedBefore: Attempts = { destinations: [], full: false }
  #answered: ((goOn: boolean) => void) | undefined
  #source: Unpacked = { entries: new Map() }

  constructor(spec: CellSpec, say: (message: FromCell) => void) {
    this.#spec = spec
    this.#say = say
    this.#without = new Set(spec.without)
    this.#networked = !this.#without.has('network-namespace')
    // Whoever waits hears of it; nobody waiting is no reason to end the process.
    this.#broken.promise.catch(() => {})
  }

  cancel(): void {
    this.#cancelled.abort()
  }

  /** The orchestrator's answer to the question asked last. */
  answer(goOn: boolean): void {
    this.#answered?.(goOn)
  }

  run(): Promise<CellResult> {
    return Promise.race([this.#run(), this.#broken.promise])
  }

  async #run(): Promise<CellResult> {
    const network = this.#startNetwork()
    network.catch(() => {}) // Awaited below; unpacking comes first and does not yield.
    const folders = makeFolders(this.#spec)
    const { toolFolders, source } = await unpackTrees(this.#spec, folders)
    this.#source = source
    await network
    const environment = environmentOf(this.#spec, toolFolders)
    const { mounts, cwd } = this.#spec
    const shape = {
      folders,
      mounts: mounts.map(({ at }) => at),
      environment,
      cwd,
      without: this.#without,
    }
    const maker = new SandboxMaker(this.#spec, shape, (pid) => this.#ask({ type: 'place', pid }))
    await this.#probe(maker, folders, environment)
    const runner = new CommandRunner(this.#spec, maker, this.#say, this.#cancelled.signal)
    const ended = await runner.run()
    // Nothing of the commands runs any more: the counters and the files are what they left.
    const attempts = this.#attempts()
    const collected = this.#collect(folders, ended === 'done')
    const recorded = await attempts
    this.#services?.stop()
    return {
      ended,
      environment,
      logTruncated: runner.logTruncated,
      exhausted: exhaustedScratch(folders),
      ...recorded,
      ...collected,
    }
  }

  async #startNetwork(): Promise<void> {
    if (!this.#networked) return
    // The resolver listens on port 53 without any privilege; afterwards the commands cannot.
    const unprivilegedPorts = '/proc/sys/net/ipv4/ip_unprivileged_port_start'
    writeFileSync(unprivilegedPorts, '0')
    this.#services = new Services(this.#spec, (found, tarball) =>
      this.#onServicesFailure(found, tarball),
    )
    const [failure] = await Promise.all([
      setUpNetwork(this.#spec.tools),
      this.#services.start(this.#spec.npmRegistry),
    ])
    writeFileSync(unprivilegedPorts, '1024')
    if (failure !== undefined) throw notRecorded(failure)
  }

  #onServicesFailure(found: string, tarball?: string): void {
    this.#broken.reject(
      tarball === undefined
        ? notRecorded(`the resolver of the cell ended: ${found}`)
        : unpackProblem(tarball, 'the tarball that was locked', new BlobError(found)),
    )
  }

  #ask(message: FromCell): Promise<boolean> {
    const answered = new Promise<boolean>((resolve) => (this.#answered = resolve))
    this.#say(message)
    return answered
  }

  async #probe(
    maker: SandboxMaker,
    folders: Folders,
    environment: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { architecture, canaries, mounts } = this.#spec
    const places = mounts.map(({ at }) => at)
    const probes = new IsolationProbes({ architecture, canaries, environment, mounts: places })
    writeFileSync(`${folders.temporary}/probe`, probes.elf(), { mode: 0o755 })
    const output: Buffer[] = []
    const signal = AbortSignal.any([this.#cancelled.signal, AbortSignal.timeout(30_000)])
    const end = await maker.run({
      argv: ['/tmp/probe'],
      signal,
      onOutput: (chunk) => output.push(chunk),
    })
    unlinkSync(`${folders.temporary}/probe`)
    if (this.#cancelled.signal.aborted) return
    const dump = Buffer.concat(output)
    if (end.kind === 'not-started') throw new CellError(sandboxFailed(dump.toString('utf8').trim()))
    const results = [...probes.results(dump), ...(await this.#recorderProbe())]
    // The orchestrator adds what only it can see (who the process was for the kernel, what the canaries saw) and lets
    // the commands begin, or ends the step.
    await this.#ask({ type: 'probes', probes: results })
  }

  /** The probe that tried a destination must have been seen; what the probes did is not the step's. */
  async #recorderProbe(): Promise<readonly CellProbe[]> {
    if (!this.#networked) return []
    const { address, port } = recordedDestination
    const expected = `${address}:${port}`
    const [counted] = await Promise.all([this.#counted(), this.#services?.forget()])
    this.#countedBefore = counted
    const seen = counted.destinations.some((to) => to.address === address && to.port === port)
    return [
      { name: 'network-recorder', expected, found: seen ? expected : 'nothing', contained: seen },
    ]
  }

  async #counted(): Promise<Attempts> {
    const counted = await readAttempts(this.#spec.tools)
    if (typeof counted === 'string') throw notRecorded(counted)
    return counted
  }

  async #attempts(): Promise<Pick<CellResult, 'attempts' | 'attemptsTruncated'>> {
    if (!this.#networked) return { attempts: [], attemptsTruncated: false }
    const [counted, asked] = await Promise.all([this.#counted(), this.#services?.report()])
    const { destinations, full } = attemptsSince(this.#countedBefore, counted)
    const names = asked?.names ?? []
    const queries = names.map(({ name, count }): CellAttempt => ({ protocol: 'dns', name, count }))
    return {
      attempts: [...queries, ...destinations].sort(byText),
      attemptsTruncated: full || asked?.full === true,
    }
  }

  #collect(
    folders: Folders,
    wanted: boolean,
  ): Pick<CellResult, 'outputs' | 'refused' | 'undeclared'> {
    const { outputs, env, limits } = this.#spec
    if (!wanted) return { outputs: outputs.map(() => 'refused'), refused: [], undeclared: [] }
    const epoch = env['SOURCE_DATE_EPOCH'] ?? '0'
    const collector = new Collector({
      build: folders.build,
      maxBytes: limits.outputBytes,
      mtime: /^\d{1,10}$/.test(epoch) ? Number(epoch) : 0,
      without: this.#without,
    })
    const refusals: Refusal[] = []
    const answers = outputs.map((output) => {
      const found = collector.collect(output)
      refusals.push(...found)
      return found.length === 0 ? 'accepted' : 'refused'
    })
    const refused = refusals
      .slice(0, maxRefused)
      .map((refusal) => refusalProblem(refusal, this.#spec))
    return { outputs: answers, refused, undeclared: this.#undeclared(folders.build, outputs) }
  }

  /** New names in the folders of the declared outputs: something beside an artifact wants to be taken for its own. */
  #undeclared(build: string, outputs: readonly CellOutput[]): string[] {
    const declared = outputs.map(({ path }) => path)
    const folders = new Set(declared.map((path) => path.split('/').slice(0, -1).join('/')))
    return [...folders]
      .flatMap((folder) =>
        namesIn(`${build}/${folder}`).map((name) => (folder === '' ? name : `${folder}/${name}`)),
      )
      .filter((path) => !this.#source.entries.has(path))
      .filter(
        (path) => !declared.some((output) => output === path || output.startsWith(`${path}/`)),
      )
      .sort()
      .slice(0, maxUndeclared)
      .map((path) => Buffer.from(path, 'latin1').toString('utf8'))
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { encoding: 'latin1' })
  } catch {
    return [] // The output is missing, and reported as that.
  }
}

function notRecorded(found: string): CellError {
  return new CellError({
    code: 'WORKER_NETWORK_NOT_RECORDED',
    expected: 'a network namespace in which nftables counts every attempt',
    found,
    fix: 'Install iproute2 and nftables, load the kernel module (`modprobe nf_tables`), then run `sallyport doctor`.',
  })
}

function byText(a: object, b: object): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1
}
