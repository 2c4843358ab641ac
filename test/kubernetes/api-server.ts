import { execFileSync, spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { controllerManager, kubernetesBinaries } from './binaries.ts'
import { freePort, start, until, type Running } from './processes.ts'

const binaries = kubernetesBinaries()

/** For tests: why there is no API server here; false when there is. */
export const skip: string | false = 'reason' in binaries ? `skipped: ${binaries.reason}` : false

export interface Said {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
}

/** Why there are no controllers here; false when there are. It makes them the first time, which takes minutes. */
export function whyNoControllers(): string | false {
  const controllers = controllerManager()
  return 'reason' in controllers ? `skipped: ${controllers.reason}` : skip
}

/** etcd and a kube-apiserver on loopback; without controllers what is stored is what was admitted. */
export interface Cluster {
  readonly folder: string
  /** Where kubectl is. */
  readonly binaries: string
  readonly address: string
  readonly kubeconfig: string
  readonly tokenFile: string
  readonly caFile: string
  /** Runs kubectl as an administrator; objects go to its standard input as JSON. */
  kubectl(args: readonly string[], input?: unknown): Promise<Said>
  /** The audit log of the API server, one event a line. */
  audit(): string
  /** Starts the API server again, with the admission settings of this folder. */
  restart(admissionFolder: string): Promise<void>
  stop(): Promise<void>
}

const token = 'administrator-of-the-test'

export interface ClusterSetup {
  /** Host and port of the webhook that it proves to who it is, with the certificate of certificates.sh. */
  readonly webhook?: string
  /** Starts the controller manager, too; webhooks are then asked through their Services. */
  readonly controllers?: boolean
}

export async function startCluster(setup: ClusterSetup): Promise<Cluster> {
  if ('reason' in binaries) throw new Error(binaries.reason)
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-cluster-'))
  const program = (name: string): string => join(binaries.path, name)
  const [client, peer, port] = [await freePort(), await freePort(), await freePort()]
  const etcd = start({
    command: program('etcd'),
    args: etcdFlags(folder, `http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`),
    cwd: folder,
    log: join(folder, 'etcd.log'),
  })
  writeFiles(folder, port)
  if (setup.webhook !== undefined) writeAdmission(folder, setup.webhook)
  const startServer = (admission: string | undefined): Running =>
    start({
      command: program('kube-apiserver'),
      args: [
        ...serverFlags(folder, `http://127.0.0.1:${client}`, port),
        ...(setup.controllers === true ? withControllers : withoutControllers),
        ...(admission === undefined ? [] : [`--admission-control-config-file=${admission}`]),
      ],
      cwd: folder,
      log: join(folder, 'kube-apiserver.log'),
    })
  let server = startServer(setup.webhook === undefined ? undefined : `${folder}/admission.yaml`)
  const kubeconfig = join(folder, 'kubeconfig.json')
  const kubectl = (args: readonly string[], input?: unknown): Promise<Said> =>
    run(program('kubectl'), ['--kubeconfig', kubeconfig, ...args], { cwd: folder, input })
  const isReady = async (): Promise<boolean> =>
    (await kubectl(['get', '--raw', '/readyz'])).stdout === 'ok'
  await until('the API server is ready', isReady, server)
  const controllers = setup.controllers === true ? startControllers(folder, kubeconfig) : undefined
  const hasDefault = async (): Promise<boolean> =>
    (await kubectl(['get', 'namespace', 'default'])).exit === 0
  await until('the namespace default is there', hasDefault, server)
  return {
    folder,
    binaries: binaries.path,
    address: `https://127.0.0.1:${port}`,
    kubeconfig,
    tokenFile: join(folder, 'token'),
    caFile: join(folder, 'ca.crt'),
    kubectl,
    audit: () => readFileSync(join(folder, 'audit.log'), 'utf8'),
    async restart(admissionFolder) {
      // It would wait a minute for those who watch.
      await server.kill()
      server = startServer(join(admissionFolder, 'admission.yaml'))
      await until('the API server is ready again', isReady, server)
    },
    async stop() {
      await controllers?.kill()
      await server.kill()
      await etcd.kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function etcdFlags(folder: string, client: string, peer: string): readonly string[] {
  return [
    `--data-dir=${folder}/etcd`,
    '--name=test',
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=test=${peer}`,
    '--unsafe-no-fsync',
    '--log-level=error',
  ]
}

function serverFlags(folder: string, etcd: string, port: number): readonly string[] {
  return [
    `--etcd-servers=${etcd}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    `--tls-cert-file=${folder}/tls.crt`,
    `--tls-private-key-file=${folder}/tls.key`,
    `--cert-dir=${folder}/generated`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-signing-key-file=${folder}/service-accounts.key`,
    `--service-account-key-file=${folder}/service-accounts.key`,
    '--service-cluster-ip-range=10.0.0.0/24',
    '--endpoint-reconciler-type=none',
    '--authorization-mode=RBAC',
    `--token-auth-file=${folder}/tokens.csv`,
    '--feature-gates=ImageVolume=true',
    `--audit-policy-file=${folder}/audit.json`,
    `--audit-log-path=${folder}/audit.log`,
  ]
}

/** There is no controller that would make the service accounts and their tokens. */
const withoutControllers = ['--disable-admission-plugins=ServiceAccount']
/** No proxy routes the addresses of Services here: the API server asks their pods. */
const withControllers = ['--enable-aggregator-routing=true']

/** Each as the service account that it has in every cluster. */
function startControllers(folder: string, kubeconfig: string): Running {
  const found = controllerManager()
  if ('reason' in found) throw new Error(found.reason)
  const names = [
    'deployment-controller',
    'replicaset-controller',
    'replicationcontroller-controller',
    'statefulset-controller',
    'daemonset-controller',
    'job-controller',
    'cronjob-controller',
    'serviceaccount-controller',
    'root-ca-certificate-publisher-controller',
    'endpointslice-controller',
    'disruption-controller',
    'garbage-collector-controller',
    'namespace-controller',
  ]
  return start({
    command: join(found.path, 'kube-controller-manager'),
    args: [
      `--kubeconfig=${kubeconfig}`,
      `--controllers=${names.join(',')}`,
      '--use-service-account-credentials',
      `--service-account-private-key-file=${folder}/service-accounts.key`,
      `--root-ca-file=${folder}/ca.crt`,
      '--leader-elect=false',
      '--bind-address=127.0.0.1',
      '--secure-port=0',
      '--kube-api-qps=200',
      '--kube-api-burst=400',
    ],
    cwd: folder,
    log: join(folder, 'kube-controller-manager.log'),
  })
}

/** The files of deploy/kubernetes/api-server, with the paths and the address of the test. */
function writeAdmission(folder: string, webhook: string): void {
  const from = join(import.meta.dirname, '../../deploy/kubernetes/api-server')
  for (const name of ['admission.yaml', 'kubeconfig.yaml']) {
    const text = readFileSync(join(from, name), 'utf8')
      .replaceAll('/etc/kubernetes/pki/sallyport', folder)
      .replace('name: sallyport.sallyport-system.svc', `name: '${webhook}'`)
    writeFileSync(join(folder, name), text)
  }
}

function writeFiles(folder: string, port: number): void {
  const script = join(import.meta.dirname, '../../deploy/kubernetes/certificates.sh')
  execFileSync(script, [folder, 'IP:127.0.0.1'], { stdio: 'pipe' })
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const write = (name: string, content: string | object): void => {
    const text = typeof content === 'string' ? content : JSON.stringify(content)
    writeFileSync(join(folder, name), text, { mode: 0o600 })
  }
  write('service-accounts.key', pem.toString())
  write('token', `${token}\n`)
  write('tokens.csv', `${token},administrator,1,"system:masters"\n`)
  write('audit.json', {
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    omitStages: ['RequestReceived'],
    rules: [
      { level: 'Request', resources: [{ group: '', resources: ['pods'] }] },
      { level: 'Metadata' },
    ],
  })
  write('kubeconfig.json', {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'administrator' } }],
    clusters: [
      {
        name: 'test',
        cluster: {
          server: `https://127.0.0.1:${port}`,
          'certificate-authority': join(folder, 'ca.crt'),
        },
      },
    ],
    users: [{ name: 'administrator', user: { tokenFile: join(folder, 'token') } }],
  })
  mkdirSync(join(folder, '.kube'))
}

export interface RunOptions {
  readonly cwd: string
  /** For its standard input, as JSON. */
  readonly input?: unknown
  /** A folder where programs are looked for first. */
  readonly path?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Never in the way of what this process serves itself. */
export async function run(
  command: string,
  args: readonly string[],
  { cwd, input, path, env: more }: RunOptions,
): Promise<Said> {
  const usual = process.env['PATH'] ?? ''
  const env = { PATH: path === undefined ? usual : `${path}:${usual}`, HOME: cwd, ...more }
  const child = spawn(command, args, { cwd, env })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()))
  // A program that is done does not read the rest.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input === undefined ? '' : JSON.stringify(input))
  const exit = await new Promise<number>((resolve) => {
    child.once('close', (code) => resolve(code ?? 1))
  })
  return { exit, ...said }
}
