import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** Who the cell and the commands are, for the kernel. Nobody here is ever uid 0 of the machine. */
export interface CellIdentity {
  /** The commands share the uid of the caller, because the caller cannot give them another. */
  readonly rootless: boolean
  /** What the cell is started as, when that is not the caller. */
  readonly startAs?: { readonly uid: number; readonly gid: number }
  readonly uidMap: string
  readonly gidMap: string
  /** The uid of the commands inside the cell, and for the kernel. */
  readonly payloadUid: number
  readonly kernelUid: number
}

// Far from users, services and subordinate ids: 4,194,304 groups of four.
const firstUid = 0x3e000000
const perStep = 4
const steps = 1 << 22

/** An identity of its own for one step: three unused uids when the caller is root, else the caller's only one. */
export function newIdentity(): CellIdentity {
  const uid = process.getuid?.() ?? 0
  const gid = process.getgid?.() ?? 0
  const base = firstUid + perStep * randomInt(steps)
  if (uid === 0 && canUse(base)) {
    const map = [`0 ${base} 1`, `1000 ${base + 1} 1`, `2 ${base + 2} 1`, ''].join('\n')
    return {
      rootless: false,
      startAs: { uid: base, gid: base },
      uidMap: map,
      gidMap: map,
      payloadUid: 1000,
      kernelUid: base + 1,
    }
  }
  return {
    rootless: true,
    uidMap: `0 ${uid} 1\n`,
    gidMap: `0 ${gid} 1\n`,
    payloadUid: 0,
    kernelUid: uid,
  }
}

// Inside a container "root" may have few uids, or only one: then it is a user like any other.
function canUse(uid: number): boolean {
  return readFileSync('/proc/self/uid_map', 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .some(([inside = 0, , count = 0]) => inside <= uid && uid + perStep <= inside + count)
}
