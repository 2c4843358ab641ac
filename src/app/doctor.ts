import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'

/** One thing a machine needs, and whether it is there. */
export interface DoctorRow {
  readonly name: string
  /** What it is for. */
  readonly purpose: string
  /** `limited`: everything works, some of it with less; what less means is in `found`. */
  readonly state: 'ok' | 'limited' | 'missing'
  readonly found: string
  /** What to do about it; absent when the row is ok. */
  readonly fix?: string
}

export interface DoctorReport {
  readonly rows: readonly DoctorRow[]
  /** Whether nothing that builds and decisions need is missing. */
  readonly ready: boolean
}

export interface DoctorOptions {
  /** The home folder, whether it exists or not. */
  readonly home: string
  readonly env: Readonly<Record<string, string | undefined>>
}

interface Probe {
  readonly name: string
  readonly purpose: string
  readonly look: () => Promise<Finding>
}

type Finding = Pick<DoctorRow, 'state' | 'found' | 'fix'>

const run = promisify(execFile)
const timeout = 15_000

/** Looks at the machine, all rows at once; changes nothing. */
export async function doctorReport(options: DoctorOptions): Promise<DoctorReport> {
  const rows = await Promise.all(
    probes(options).map(async ({ name, purpose, look }) => ({ name, purpose, ...(await look()) })),
  )
  return { rows, ready: rows.every(({ state }) => state !== 'missing') }
}

function probes(options: DoctorOptions): Probe[] {
  const program = (
    command: string,
    debian: string,
    purpose: string,
    flag = '--version',
  ): Probe => ({
    name: command,
    purpose,
    look: () => programFinding({ command, debian, flag, path: options.env['PATH'] }),
  })
  return [
    { name: 'node', purpose: 'runs Sallyport', look: () => Promise.resolve(nodeFinding()) },
    program('git', 'git', 'fetches the source'),
    program('bwrap', 'bubblewrap', 'the sandbox of every build step'),
    program('ip', 'iproute2', 'records network attempts', '-V'),
    program('nft', 'nftables', 'records network attempts'),
    program('gpgv', 'gpgv', 'verifies the signature of the Debian archive'),
    {
      name: 'namespaces',
      purpose: 'a step sees no network, process or file of this machine',
      look: () => namespaceFinding(options.env['PATH']),
    },
    {
      name: 'seccomp',
      purpose: 'a step cannot reach kernel features it does not need',
      look: () => Promise.resolve(seccompFinding()),
    },
    {
      name: 'cgroups',
      purpose: 'a step cannot use more memory and processes than it is given',
      look: () => Promise.resolve(cgroupFinding()),
    },
    {
      name: 'disk',
      purpose: 'materials, roots and builds',
      look: () => Promise.resolve(diskFinding(options.home)),
    },
    {
      name: 'npm registry',
      purpose: 'locked materials that are not here yet',
      look: () => registryFinding(),
    },
    {
      name: 'home',
      purpose: 'keys, trust file, policies, log',
      look: () => Promise.resolve(homeFinding(options.home)),
    },
  ]
}

const needed = [24, 15] as const

function nodeFinding(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const found = process.versions.node
  if (major > needed[0] || (major === needed[0] && minor >= needed[1]))
    return { state: 'ok', found }
  return {
    state: 'missing',
    found,
    fix: `Install Node ${needed.join('.')} or newer, or run \`npm ci\`, which brings it on Linux`,
  }
}

interface ProgramOptions {
  readonly command: string
  readonly debian: string
  readonly flag: string
  readonly path: string | undefined
}

async function programFinding(options: ProgramOptions): Promise<Finding> {
  const file = findProgram(options.command, options.path)
  const fix = `Run \`sudo apt-get install -y --no-install-recommends ${options.debian}\``
  if (file === undefined) return { state: 'missing', found: 'not installed', fix }
  const answer = await attempt(file, [options.flag])
  if (!answer.ok) return { state: 'missing', found: answer.text, fix }
  return { state: 'ok', found: /\d+(?:\.\d+)+/.exec(answer.text)?.[0] ?? answer.text }
}

function findProgram(command: string, path: string | undefined): string | undefined {
  const folders = [...(path ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/bin', '/bin']
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, command))
    .find((file) => isExecutable(file))
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    // Absent is the answer that was asked for.
    return false
  }
}

async function attempt(
  file: string,
  args: readonly string[],
): Promise<{ readonly ok: boolean; readonly text: string }> {
  try {
    const { stdout, stderr } = await run(file, [...args], { timeout, maxBuffer: 1024 * 1024 })
    return { ok: true, text: firstLine(stdout) || firstLine(stderr) }
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string }
    return { ok: false, text: firstLine(stderr ?? '') || firstLine(message) }
  }
}

function firstLine(text: string): string {
  return (text.trim().split('\n')[0] ?? '').slice(0, 200)
}

async function namespaceFinding(path: string | undefined): Promise<Finding> {
  const bwrap = findProgram('bwrap', path)
  if (bwrap === undefined) {
    return { state: 'missing', found: 'bwrap is not installed', fix: 'Install bubblewrap first' }
  }
  const sandbox = ['--unshare-all', '--die-with-parent', '--ro-bind', '/', '/', '--proc', '/proc']
  const answer = await attempt(bwrap, [...sandbox, '--dev', '/dev', '/bin/true'])
  if (answer.ok) return { state: 'ok', found: 'user, mount, process, network, ipc' }
  return {
    state: 'missing',
    found: answer.text,
    fix: 'Allow user namespaces: `sudo sysctl -w kernel.unprivileged_userns_clone=1`, and with AppArmor `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`; in a container, start it with permission to create namespaces',
  }
}

function seccompFinding(): Finding {
  const actions = read('/proc/sys/kernel/seccomp/actions_avail')
  if (actions?.includes('errno') === true) return { state: 'ok', found: `${process.arch} filter` }
  return {
    state: 'missing',
    found: 'the kernel offers no seccomp filter',
    fix: 'Use a kernel with CONFIG_SECCOMP_FILTER (every Debian kernel has it)',
  }
}

function cgroupFinding(): Finding {
  if (existsSync('/sys/fs/cgroup/cgroup.controllers')) {
    return isWritable('/sys/fs/cgroup')
      ? { state: 'ok', found: 'cgroup v2' }
      : resourceLimits('cgroup v2 is not delegated to this user')
  }
  if (isWritable('/sys/fs/cgroup/pids') && isWritable('/sys/fs/cgroup/memory')) {
    return { state: 'ok', found: 'cgroup v1' }
  }
  return resourceLimits('no cgroup that this user may write to')
}

function resourceLimits(why: string): Finding {
  return {
    state: 'limited',
    found: `resource limits per process (${why}); provenance says so`,
    fix: 'Run as root, or let systemd delegate a cgroup: `systemd-run --user --scope -p Delegate=yes …`',
  }
}

const wantedBytes = 3 * 1024 ** 3

function diskFinding(home: string): Finding {
  let folder = home
  while (!existsSync(folder)) folder = dirname(folder)
  const { bavail, bsize } = statfsSync(folder)
  const free = bavail * bsize
  const found = `${(free / 1024 ** 3).toFixed(1)} GiB free`
  if (free >= wantedBytes) return { state: 'ok', found }
  return {
    state: 'limited',
    found,
    fix: 'Free some space: a build of this repository takes up to 3 GiB',
  }
}

async function registryFinding(): Promise<Finding> {
  // npm knows where its registry is and how to reach it; we do not want to know.
  const answer = await attempt('npm', ['ping', '--fetch-retries=0', '--fetch-timeout=8000'])
  if (answer.ok) return { state: 'ok', found: 'reachable as npm is configured' }
  return {
    state: 'limited',
    found: 'npm ping failed; builds work with materials that are already here',
    fix: 'Read `npm ping` and `npm config get registry`',
  }
}

function homeFinding(home: string): Finding {
  if (existsSync(join(home, 'sallyport.yaml'))) return { state: 'ok', found: home }
  return { state: 'limited', found: `${home} does not exist yet`, fix: 'Run `sallyport init`' }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // Not every kernel has every file; absent means the feature is.
    return undefined
  }
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    // Not ours to write: the answer that was asked for.
    return false
  }
}
