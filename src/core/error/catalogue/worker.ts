import type { Entry } from '../entry.ts'

export const worker = {
  WORKER_SPEC: { title: 'The description of a build step cannot be run', exit: 2 },
  WORKER_MACHINE: { title: 'This machine cannot isolate a build', exit: 3 },
  WORKER_LIMITS: { title: 'The limits of a build step could not be set', exit: 3 },
  WORKER_SANDBOX_FAILED: { title: 'The sandbox could not be made', exit: 3 },
  WORKER_NETWORK_NOT_RECORDED: { title: 'Network attempts could not be recorded', exit: 3 },
  WORKER_NOT_ISOLATED: { title: 'A probe found a gap in the isolation of the build', exit: 3 },
  WORKER_LOST: { title: 'The supervisor of a build step ended unexpectedly', exit: 3 },
  WORKER_BLOB_MISMATCH: { title: 'An input of a build step is not what was locked', exit: 3 },
  WORKER_TREE_UNSAFE: { title: 'An archive cannot be unpacked safely', exit: 2 },
  WORKER_OUTPUT_MISSING: { title: 'A build step did not leave an output it declares', exit: 2 },
  WORKER_OUTPUT_REFUSED: { title: 'An output of a build step is not acceptable', exit: 2 },
  WORKER_OUTPUT_TOO_LARGE: { title: 'The outputs of a build step are too large', exit: 2 },
} as const satisfies Record<string, Entry>
