import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

import { quote, type Problem } from '#error'

import type { CellIdentity } from './identity.ts'
import type { Tools } from './tools.ts'

interface Setting {
  readonly name: string
  /** The value that forbids user namespaces to users. */
  readonly forbids: string
  readonly allow: string
}

// Who forbids it, in the order in which they are asked.
const settings: readonly Setting[] = [
  // Debian's own switch.
  { name: 'kernel.unprivileged_userns_clone', forbids: '0', allow: '1' },
  { name: 'user.max_user_namespaces', forbids: '0', allow: '15000' },
  // Ubuntu since 23.10, and every AppArmor 4 that is set up like it.
  { name: 'kernel.apparmor_restrict_unprivileged_userns', forbids: '1', allow: '0' },
]

/** The values of the settings that this kernel has. */
export function userNamespaceSettings(): Record<string, string> {
  return Object.fromEntries(
    settings.flatMap(({ name }) => {
      const value = settingOf(name)
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

/** Tries the namespaces of a cell, as whoever would make one. Undefined: they can be made. */
export function userNamespaceProblem(tools: Tools, identity: CellIdentity): Problem | undefined {
  const { startAs } = identity
  const as = startAs && [
    tools.setpriv,
    `--reuid=${startAs.uid}`,
    `--regid=${startAs.gid}`,
    '--clear-groups',
    '--',
  ]
  const namespaces = [
    '--user',
    '--net',
    '--mount',
    '--pid',
    '--fork',
    '--map-root-user',
    '--mount-proc',
  ]
  const command = [...(as ?? []), tools.unshare, ...namespaces, '--', tools.sh, '-c', ':']
  const { status, stderr } = spawnSync(command[0] ?? '', command.slice(1), {
    encoding: 'utf8',
    env: {},
    cwd: '/',
  })
  if (status === 0) return undefined
  const said = stderr.trim().split('\n')[0] ?? ''
  const culprit = settings.find(({ name, forbids }) => settingOf(name) === forbids)
  return {
    code: 'WORKER_MACHINE',
    expected: 'a kernel that lets a user make namespaces of its own (user, net, mount, pid)',
    found: culprit === undefined ? quote(said) : `${culprit.name} = ${culprit.forbids} (${said})`,
    fix: culprit === undefined ? withoutCulprit(said) : allowing(culprit),
  }
}

function allowing({ name, allow }: Setting): string {
  const line = `${name}=${allow}`
  return `Allow it: \`sudo sysctl -w ${line}\`; to keep it, \`echo ${line} | sudo tee /etc/sysctl.d/60-sallyport.conf\`.`
}

function withoutCulprit(said: string): string {
  return /proc/.test(said)
    ? 'Run the build outside of this container, or start the container with an unmasked /proc (`--security-opt systempaths=unconfined`).'
    : 'Run the build on the machine itself instead of in this container, or give the container the right to make user namespaces (`--security-opt seccomp=unconfined --security-opt apparmor=unconfined`).'
}

function settingOf(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8').trim()
  } catch {
    return undefined
  }
}
