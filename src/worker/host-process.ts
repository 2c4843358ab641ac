import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** The namespaces in which the commands must be apart from the host. */
export const separateNamespaces = ['user', 'mnt', 'pid', 'ipc', 'uts', 'cgroup', 'net'] as const

/** The direct children of a process. */
export function childrenOf(pid: number): number[] {
  try {
    return numbersIn(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'))
  } catch {
    return everyProcess().filter((child) => statusOf(child, 'PPid')[0] === pid)
  }
}

/** Finds a process that a process namespace below `ancestor` calls `inner`. */
export function findDescendant(ancestor: number, inner: number): number | undefined {
  const waiting = [...childrenOf(ancestor)]
  for (let pid = waiting.shift(); pid !== undefined; pid = waiting.shift()) {
    // NSpid: the number here, then in each namespace further in.
    const [here, there] = statusOf(pid, 'NSpid')
    if ((there ?? here) === inner) return pid
    waiting.push(...childrenOf(pid))
  }
  return undefined
}

/** Real, effective, saved and file system uid, as this namespace sees them. */
export function uidsOf(pid: number): number[] {
  return statusOf(pid, 'Uid')
}

/** The namespaces that a process shares with this one. */
export function sharedNamespaces(pid: number): string[] {
  return separateNamespaces.filter((name) => {
    try {
      return readlinkSync(`/proc/${pid}/ns/${name}`) === readlinkSync(`/proc/self/ns/${name}`)
    } catch {
      return true
    }
  })
}

function everyProcess(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

function statusOf(pid: number, key: string): number[] {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return numbersIn(new RegExp(`^${key}:(.*)$`, 'm').exec(status)?.[1] ?? '')
  } catch {
    return [] // It ended in the meantime.
  }
}

function numbersIn(text: string): number[] {
  return text.trim().split(/\s+/).filter(Boolean).map(Number)
}
