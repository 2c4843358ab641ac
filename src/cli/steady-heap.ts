import { setFlagsFromString } from 'node:v8'

/**
 * For a process that answers for weeks: what requests make is to go with them, in collections of a few milliseconds, and
 * major ones are to be rare, because everybody waits for each of them (bench/README.md).
 *
 * In a slow minute V8 learns that objects of requests live long (they do: they wait for registries), and makes all later
 * ones where only a major collection finds them, bodies and all. And it begins a major one when as much has been added as
 * it has found before; here that is little. The heap stays below its limit in any case (`--max-old-space-size`).
 */
export function keepHeapSteady(): void {
  setFlagsFromString('--no-allocation-site-pretenuring')
  setFlagsFromString('--heap-growing-percent=800')
}
