import { spawn, type ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'

import type { Without } from './cell/defence.ts'
import { childrenOf } from './host-process.ts'
import type { CellIdentity } from './identity.ts'
import type { Staging } from './staging.ts'
import type { Tools } from './tools.ts'

/** A cell whose first process waits for its uids; `release` gives them to it and lets it go on. */
export interface LaunchedCell {
  readonly input: Writable
  readonly output: Readable
  readonly complaints: Readable
  /** Resolves when nothing of the cell is left, the staging folder and the control groups included. */
  readonly ended: Promise<void>
  /** The supervisor's pid on the host, once it said that it waits. */
  supervisor(): number | undefined
  release(): void
  /** Ends the supervisor; the kernel ends everything else of the cell with it. */
  kill(): void
}

export interface LaunchOptions {
  readonly tools: Tools
  readonly identity: CellIdentity
  readonly staging: Staging
  /** Control groups to remove at the end. */
  readonly groups: readonly string[]
  /** Descriptors that the cell gets as 3, 4, … */
  readonly descriptors: readonly number[]
  readonly without: Without
}

// Outlives the cell, and the orchestrator when that is killed, and leaves nothing behind.
const janitor = `
base=$1 remove=$2 removeFolder=$3
shift 3
groups=
while [ "$1" != -- ]; do groups="$groups $1"; shift; done
shift
"$@"
status=$?
for group in $groups; do "$removeFolder" "$group" 2>/dev/null; done
"$remove" -rf -- "$base"
exit "$status"
`
// Waits in its new namespaces until the orchestrator has written who they belong to. Without a uid it has no
// privilege; the next program, started as the namespace's root, has those of the namespace.
const waiter = 'umask 022; ulimit -c 0; echo ready; read -r go || exit 1; exec "$@"'
export const readyLine = 'ready'

/** Starts janitor -> unshare -> supervisor, with an empty environment and no argument that tells of the step. */
export function launchCell(options: LaunchOptions): LaunchedCell {
  const { tools, identity, staging, groups, descriptors } = options
  const child = spawn(
    tools.sh,
    [
      ['-c', janitor, 'sallyport-janitor', staging.base, tools.rm, tools.rmdir, ...groups, '--'],
      startAs(options),
      [tools.unshare, ...namespaceArguments(options.without), '--'],
      [tools.sh, '-c', waiter, 'sallyport-cell', '/proc/self/fd/3', staging.supervisor],
    ].flat(),
    // A group of its own: a terminal's Ctrl-C reaches the orchestrator, which then ends the cell in order.
    { cwd: '/', env: {}, detached: true, stdio: ['pipe', 'pipe', 'pipe', ...descriptors] },
  )
  const supervisor = (): number | undefined => supervisorOf(child)
  const input = child.stdin as Writable
  return {
    input,
    output: child.stdout as Readable,
    complaints: child.stderr as Readable,
    ended: new Promise((resolve) => {
      child.once('error', () => resolve())
      child.once('exit', () => resolve())
    }),
    supervisor,
    release: () => {
      const pid = supervisor()
      if (pid !== undefined && !options.without.has('unprivileged-cell')) giveUids(pid, identity)
      input.write('go\n')
    },
    kill: () => killQuietly(supervisor()),
  }
}

function startAs({ tools, identity, without }: LaunchOptions): string[] {
  if (identity.startAs === undefined || without.has('unprivileged-cell')) return []
  const { uid, gid } = identity.startAs
  return [tools.setpriv, `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--']
}

function namespaceArguments(without: Without): string[] {
  return [
    ...(without.has('unprivileged-cell') ? [] : ['--user']),
    ...(without.has('network-namespace') ? [] : ['--net']),
    ...(without.has('process-namespaces') ? [] : ['--pid', '--mount-proc']),
    '--mount',
    '--fork',
  ]
}

function giveUids(pid: number, { rootless, uidMap, gidMap }: CellIdentity): void {
  // A user may map a group only after promising never to drop one.
  if (rootless) writeFileSync(`/proc/${pid}/setgroups`, 'deny')
  writeFileSync(`/proc/${pid}/uid_map`, uidMap)
  writeFileSync(`/proc/${pid}/gid_map`, gidMap)
}

// janitor -> unshare -> supervisor
function supervisorOf(child: ChildProcess): number | undefined {
  const [unshare] = child.pid === undefined ? [] : childrenOf(child.pid)
  return unshare === undefined ? undefined : childrenOf(unshare)[0]
}

function killQuietly(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, 'SIGKILL')
  } catch {
    // It ended in the meantime.
  }
}
