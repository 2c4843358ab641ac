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
  /** The uid of the commands inside the cell, as this process sees it, and as the machine does. */
  readonly payloadUid: number
  readonly seenUid: number
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
  const ranges = uidRanges()
  if (uid === 0 && outside(ranges, base, perStep) !== undefined) {
    const map = [`0 ${base} 1`, `1000 ${base + 1} 1`, `2 ${base + 2} 1`, ''].join('\n')
    return {
      rootless: false,
      startAs: { uid: base, gid: base },
      uidMap: map,
      gidMap: map,
      payloadUid: 1000,
      seenUid: base + 1,
      kernelUid: outside(ranges, base + 1, 1) ?? 0,
    }
  }
  return {
    rootless: true,
    uidMap: `0 ${uid} 1\n`,
    gidMap: `0 ${gid} 1\n`,
    payloadUid: 0,
    seenUid: uid,
    kernelUid: outside(ranges, uid, 1) ?? 0,
  }
}

type Range = readonly [inside: number, outside: number, count: number]

// Inside a container "root" may have few uids, or only one: then it is a user like any other.
function uidRanges(): Range[] {
  return readFileSync('/proc/self/uid_map', 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([inside = 0, beyond = 0, count = 0]): Range => [inside, beyond, count])
}

/** The uid outside of this user namespace. Undefined: this namespace does not have so many from there. */
function outside(ranges: readonly Range[], uid: number, needed: number): number | undefined {
  const range = ranges.find(([inside, , count]) => inside <= uid && uid + needed <= inside + count)
  return range === undefined ? undefined : range[1] + uid - range[0]
}
