import { accessSync, constants } from 'node:fs'

import type { Problem } from '#error'

/** Programs of the host that make the cell. They are looked for where only root can put them, never on PATH. */
const folders = ['/usr/bin', '/usr/sbin', '/bin', '/sbin', '/usr/local/bin', '/usr/local/sbin']

/** Program -> Debian package that brings it. */
const packages = {
  bwrap: 'bubblewrap',
  ip: 'iproute2',
  nft: 'nftables',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  prlimit: 'util-linux',
  mount: 'mount',
  mkfifo: 'coreutils',
  rm: 'coreutils',
  rmdir: 'coreutils',
  sh: 'dash',
} as const

export type ToolName = keyof typeof packages
export type Tools = Readonly<Record<ToolName, string>>

/** Where the programs are; one problem for all that are missing. */
export function findTools():
  { readonly tools: Tools } | { readonly problem: Problem; readonly present: Partial<Tools> } {
  const names = Object.keys(packages) as ToolName[]
  const found = new Map(names.map((name) => [name, locate(name)]))
  const missing = names.filter((name) => found.get(name) === undefined)
  if (missing.length === 0) return { tools: Object.fromEntries(found) as unknown as Tools }
  const wanted = [...new Set(missing.map((name) => packages[name]))].join(' ')
  return {
    present: Object.fromEntries([...found].filter(([, path]) => path !== undefined)),
    problem: {
      code: 'WORKER_MACHINE',
      expected: `the programs ${names.join(', ')}`,
      found: `no ${missing.join(', no ')} in ${folders.join(', ')}`,
      fix: `Install what is missing: \`sudo apt-get install -y --no-install-recommends ${wanted}\`.`,
    },
  }
}

function locate(name: string): string | undefined {
  return folders.map((folder) => `${folder}/${name}`).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
