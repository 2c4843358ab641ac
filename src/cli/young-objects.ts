import { setFlagsFromString } from 'node:v8'

/**
 * For a process that answers for weeks. In a slow minute V8 learns that what requests make lives long (it does: they wait),
 * and from then on makes it where only a major collection finds it again, bodies and all: one every 3 s at 1,000 requests
 * a second, and each of them a stall for everybody (docs/benchmarks.md).
 */
export function keepObjectsYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring')
}
