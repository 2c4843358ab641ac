import type { Problem } from '#error'

import type { CellProbe } from './cell/protocol.ts'
import { separateNamespaces, sharedNamespaces, uidsOf } from './host-process.ts'
import type { CellIdentity } from './identity.ts'

/** What the host sees of the first process of a sandbox, before it runs. */
export interface OutsideView {
  readonly uids: readonly number[]
  readonly shared: readonly string[]
}

export function lookFromOutside(pid: number): OutsideView {
  return { uids: uidsOf(pid), shared: sharedNamespaces(pid) }
}

/** What only the host can measure: who the commands are for the kernel, and whether a canary was reached. */
export function outsideProbes(
  view: OutsideView | undefined,
  { seenUid, kernelUid }: CellIdentity,
  reached: readonly string[],
): readonly CellProbe[] {
  const uids = [...new Set(view?.uids)].join(' ')
  const isOwn = uids === String(seenUid) && kernelUid !== 0
  const own = 'the uid of the step, which is not 0'
  const shared = (view?.shared ?? separateNamespaces).join(' ')
  return [
    {
      name: 'kernel-uid',
      expected: own,
      found: isOwn ? own : `uid ${uids || 'unknown'}`,
      contained: isOwn,
    },
    {
      name: 'namespaces-shared-with-the-host',
      expected: 'none',
      found: shared === '' ? 'none' : shared,
      contained: shared === '',
    },
    {
      name: 'canaries-reached',
      expected: 'none',
      found: reached.length === 0 ? 'none' : reached.join(' '),
      contained: reached.length === 0,
    },
  ]
}

/** A problem for each probe that found a gap. */
export function uncontained(probes: readonly CellProbe[]): Problem[] {
  return probes
    .filter(({ contained }) => !contained)
    .map(({ name, expected, found }) => ({
      code: 'WORKER_NOT_ISOLATED',
      where: `probe ${name}`,
      expected,
      found,
      fix: 'Run `sallyport doctor` and build on a machine where every probe is contained; nothing of the step was run.',
    }))
}
