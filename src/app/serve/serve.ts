import type { Config } from '#config'
import { SallyportError, type Problem } from '#error'
import {
  openJournal,
  openMetrics,
  startGateServer,
  type GateService,
  type Journal,
  type Listener,
  type Metrics,
  type TlsFiles,
} from '#server'
import { accessOf } from './access-settings.ts'
import { bellOf } from '../breakglass/bell.ts'
import { openNetwork, type Network } from '../artifact/network.ts'
import { startGateSigner } from '../gate.ts'
import {
  keepRechecking,
  type Rechecking,
  type RecheckingParts,
} from '../recheck/keep-rechecking.ts'
import { openLogReader } from '../log-reader.ts'
import { keepSpooledLog } from './open-log.ts'
import { startNpmProxy } from './npm-proxy.ts'
import { startOciProxy } from './oci-proxy.ts'
import { keepRinging, type Ringing } from './ringing.ts'
import { watchAccess, type AccessWatch } from './access-watch.ts'
import { rememberEvidence } from './remembered.ts'
import { makeService } from './service.ts'
import { openDeskFiles } from './desk-files.ts'
import { shareDesk } from './share-desk.ts'
import { giveReceipts, readServed } from './receipts.ts'
import { openTelling, type Telling } from './telling.ts'
import { keepWitnessing } from './witnessing.ts'
import { countLostLines } from './lost-lines.ts'
import { watchRulebook, type WatchedRulebook } from './watched-rulebook.ts'

export interface ServeOptions {
  readonly config: Config
  /** Where the journal goes. */
  readonly out: { write(text: string): unknown }
  readonly clock: () => Date
  /** How many lines of the journal nobody could take. */
  readonly lostLines?: () => number
}

/** A gate that runs. */
export interface RunningGate {
  readonly address: string
  /** Answers what it has, and stops; every record is durable by then. */
  stop(): Promise<void>
}

/** How long evidence that led to a yes is used again before it is looked for anew, in seconds. */
const rememberSeconds = 30
const watchSeconds = 2
const ringSeconds = 1
/** Who may do what changes seldom. */
const lookSeconds = 3600

/**
 * Starts the gate: the log and the process with its keys, policies and trust, and the server over them.
 *
 * @throws SallyportError with everything that is wrong at the start; nothing is left running then
 */
export async function serve(options: ServeOptions): Promise<RunningGate> {
  const { config, out, clock, lostLines = () => 0 } = options
  checkRegistries(config)
  checkClients(config)
  const place: Place = {
    config,
    clock,
    journal: openJournal(out, clock),
    metrics: openMetrics(),
    stack: new AsyncDisposableStack(),
    tlsProblems: [],
    lostLines,
  }
  const { stack, journal } = place
  try {
    place.telling = await openTelling(place)
    const service = await openService(place)
    const listener = await startListening(place, service)
    place.listener = listener
    stack.defer(() => listener.drain(config.serve.drainSeconds))
    await startProxies(place, service)
    place.telling.started({
      service,
      address: listener.address,
      certificateEnds: () => listener.certificateEnds,
    })
    journal.write('info', 'listening', { address: listener.address })
    void place.watching?.look()
    return {
      address: listener.address,
      async stop() {
        journal.write('info', 'stopping', { inFlight: listener.inFlight })
        await stack.disposeAsync()
        journal.write('info', 'stopped')
      },
    }
  } catch (error) {
    await place.telling?.notStarted(error)
    await stack.disposeAsync()
    throw error
  }
}

interface Place {
  readonly config: Config
  readonly clock: () => Date
  readonly journal: Journal
  readonly metrics: Metrics
  /** What is open, to be closed in the opposite order. */
  readonly stack: AsyncDisposableStack
  listener?: Listener
  ringing?: Ringing
  watching?: AccessWatch
  telling?: Telling
  /** Why a newer certificate is not in use. */
  tlsProblems: readonly Problem[]
  readonly lostLines: () => number
}

async function openService(place: Place): Promise<GateService> {
  const { config, clock, journal, metrics, stack } = place
  // The process with the log's keys takes the longest to start.
  const starting = startGateSigner(config)
  starting.catch(() => undefined)
  const rulebook = await followRulebook(place)
  const alert: Ringing['alert'] = async (...alarm) => place.ringing?.alert(...alarm)
  const onChange = (): void => place.telling?.look()
  const spooled = await keepSpooledLog({ ...place, starting, alert, onChange })
  const { kept, record } = spooled
  const { log, bodies } = kept
  const bell = bellOf(config, clock)
  const ringing = stack.use(
    keepRinging({ config, bell, log, bodies, metrics, journal, clock, seconds: ringSeconds }),
  )
  place.ringing = ringing
  await place.telling?.follow(() => log.size)
  const { storage } = stack.use(await openLogReader(config))
  const onConflict = (one: Problem): void =>
    void ringing.alert('log-forked', config.log.origin, [one])
  const witnessing = stack.use(await keepWitnessing({ ...place, storage, onConflict }))
  const network = stack.use(openNetwork(config.evidence))
  const rechecking = await startRechecking(place, { log, bodies, bell, rulebook, network })
  const watched = { config, log, bodies, rulebook, metrics, journal, clock, seconds: lookSeconds }
  const onFound: Telling['accessFound'] = (found) => place.telling?.accessFound(found)
  place.watching = stack.use(watchAccess({ ...watched, onFound }))
  const open = openAdmission(config)
  if (open.length > 0) journal.write('warn', 'the webhook is open', { problems: open })
  const lost = countLostLines(place.lostLines, metrics)
  const desks = await openDesks(place, rulebook)
  const service = makeService({
    config,
    http: await network.http(),
    cache: network.cache,
    credentials: () => network.credentials(),
    remembered: rememberEvidence({ seconds: rememberSeconds, clock }),
    log,
    bodies,
    record,
    readLogFile: readServed(storage, witnessing),
    receipt: giveReceipts({ config, storage, size: () => log.size, witnessing }),
    rulebook,
    ...desks,
    bell,
    tell: (ms) => ringing.tell(ms),
    rechecks: (limit) => rechecking.list(limit),
    onGrantRefused: (problems) => place.telling?.grantRefused(problems),
    metrics,
    journal,
    clock,
    health: () => [...spooled.problems(), ...expired(place), ...witnessing.health()],
    warnings: () => [
      ...open,
      ...place.tlsProblems,
      ...warningsOf(lost, spooled, ringing, rechecking, witnessing, ...Object.values(desks)),
      ...(place.telling?.warnings() ?? []),
    ],
  })
  count(metrics, service, log)
  return service
}

async function followRulebook(place: Place): Promise<WatchedRulebook> {
  const { config, journal, stack } = place
  const rulebook = await watchRulebook(config, {
    seconds: watchSeconds,
    onChange: (id, problems) => {
      tellRulebook(journal, id, problems)
      if (problems.length > 0) void place.ringing?.alert('rulebook-refused', id, problems)
      else place.telling?.rulebookChanged(id)
    },
  })
  stack.use(rulebook)
  return rulebook
}

async function openDesks({ config, clock, journal, stack }: Place, rulebook: WatchedRulebook) {
  const parts = { config, rulebook, clock, seconds: watchSeconds }
  const deskFiles = stack.use(openDeskFiles(parts))
  const shared = stack.use(await shareDesk({ config, files: deskFiles, journal }))
  return { deskFiles, shared }
}

/** What was let in although nobody could tell is decided again. */
async function startRechecking(
  { config, clock, journal, metrics, stack }: Place,
  {
    network,
    rulebook,
    ...parts
  }: Pick<RecheckingParts, 'log' | 'bodies' | 'bell'> & {
    readonly network: Network
    readonly rulebook: WatchedRulebook
  },
): Promise<Rechecking> {
  const told = { config, clock, journal, metrics, rulebook: () => rulebook.current() }
  const places = {
    http: () => network.http(),
    cache: () => network.cache,
    credentials: () => network.credentials(),
  }
  return stack.use(await keepRechecking({ ...parts, ...told, ...places }))
}

function warningsOf(
  ...parts: readonly { readonly warnings: () => readonly Problem[] }[]
): readonly Problem[] {
  return parts.flatMap((part) => part.warnings())
}

function count(metrics: Metrics, service: GateService, log: { readonly size: number }): void {
  metrics.gauge('sallyport_log_entries', 'Entries in the decision log', () => log.size)
  metrics.gauge('sallyport_problems', 'What keeps the gate from answering', () => {
    return service.health().length
  })
  metrics.gauge('sallyport_warnings', 'What was not taken into use, such as a bad push', () => {
    return service.warnings?.().length ?? 0
  })
}

async function startListening(place: Place, service: GateService): Promise<Listener> {
  const { config, clock, journal, metrics } = place
  const { host, port, limits, open, tls } = config.serve
  const access = await accessOf(config)
  const more = tls === undefined ? {} : { tls: followed(tls, place) }
  const told = { service, metrics, journal, clock, onRefused: refusedIn(place) }
  const admissionClients = config.admission?.clients ?? []
  const who = { access, admissionClients }
  if (tls !== undefined) tellCertificate(place)
  return await startGateServer({ host, port, limits, open, ...who, ...told, ...more })
}

async function startProxies(place: Place, service: GateService): Promise<void> {
  const { config, clock, journal, metrics, stack } = place
  const { oci, npm } = config.proxies
  const told = { service, journal, metrics, clock, onRefused: refusedIn(place) }
  const parts = { config, access: await accessOf(config), stack, ...told }
  if (oci !== undefined)
    await startOciProxy(oci, { ...parts, tls: oci.tls && followed(oci.tls, place) })
  if (npm !== undefined)
    await startNpmProxy(npm, { ...parts, tls: npm.tls && followed(npm.tls, place) })
}

function refusedIn(place: Place): Telling['onRefused'] {
  return (refused) => place.telling?.onRefused(refused)
}

function tellCertificate(place: Place): void {
  place.metrics.gauge(
    'sallyport_certificate_end_seconds',
    'When the certificate of the gate ends, in seconds since 1970',
    () => (place.listener?.certificateEnds?.getTime() ?? 0) / 1000,
  )
}

/** Clients refuse an expired certificate: whoever looks after the gate must not have to guess why. */
function expired({ listener, clock, config }: Place): readonly Problem[] {
  const ends = listener?.certificateEnds
  if (ends === undefined || clock() < ends) return []
  const where = config.serve.tls?.certificate ?? 'serve.tls'
  return [
    {
      code: 'SERVER_CERTIFICATE',
      where,
      expected: 'a certificate that is valid now',
      found: `one that ended at ${ends.toISOString()}`,
      fix: `Put a new certificate into ${where}, and its key beside it: the gate takes it into use by itself`,
    },
  ]
}

/** A list of subjects would shut everybody out where no certificate is asked for. */
function checkClients({ admission, serve, file }: Config): void {
  if ((admission?.clients ?? []).length === 0 || serve.tls?.clientAuthorities !== undefined) return
  throw new SallyportError({
    code: 'CONFIG_CLIENTS',
    where: `${file} admission.clients`,
    expected: 'serve.tls.clientAuthorities, which says whose certificates are believed',
    found: 'none',
    fix: 'Add serve.tls.clientAuthorities with the authority that signs the client certificates of the API server',
  })
}

/** Asking lets nothing in; it fills the log, and names requesters that nobody has proven. */
function openAdmission({ admission, file }: Config): readonly Problem[] {
  if (admission === undefined || admission.clients.length > 0) return []
  return [
    {
      code: 'ADMISSION_OPEN',
      where: `${file} admission.clients`,
      expected: 'the subjects of the client certificates of API servers',
      found:
        'none: whoever reaches the gate is answered, and who deploys is recorded as "unauthenticated:…"',
      fix: 'Give the API server a client certificate for this webhook as docs/kubernetes.md shows, and name its subject in admission.clients',
    },
  ]
}

/** Pods may name any registry: which of them the gate speaks to is for the operator to say. */
function checkRegistries({ admission, evidence, file }: Config): void {
  if (admission === undefined || evidence.registries.allow !== undefined) return
  throw new SallyportError({
    code: 'CONFIG_REGISTRIES',
    where: `${file} evidence.registries.allow`,
    expected: 'the registries that images come from, because "admission" is configured',
    found: 'no list',
    fix: 'Add evidence.registries.allow with their hosts, such as [registry.example]',
  })
}

function followed(
  { certificate, key, clientAuthorities }: NonNullable<Config['serve']['tls']>,
  place: Place,
): TlsFiles {
  const { journal } = place
  return {
    certificate,
    key,
    ...(clientAuthorities === undefined ? {} : { clientAuthorities }),
    onRefused: (error) => {
      place.tlsProblems = error instanceof SallyportError ? error.problems : []
      journal.error('new certificate not taken into use', error)
      void place.ringing?.alert('certificate-refused', certificate, place.tlsProblems)
    },
    onReloaded: () => {
      place.tlsProblems = []
      journal.write('info', 'certificate taken into use')
      place.telling?.certificateChanged(certificate)
    },
  }
}

function tellRulebook(journal: Journal, id: string, problems: readonly Problem[]): void {
  if (problems.length === 0) journal.write('info', 'policies and trust in use', { id })
  else journal.write('error', 'policies and trust not taken into use', { id, problems })
}
