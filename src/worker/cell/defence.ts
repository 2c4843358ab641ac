/**
 * The parts of the isolation that a test can take away, to show that its attack works without them. There is no way to
 * name one of these through a `StepSpec`.
 */
export type Defence =
  /** The cell has no real privilege (only root can take this away). */
  | 'unprivileged-cell'
  /** The sandbox's own user namespace (only together with the one before). */
  | 'user-namespace'
  | 'network-namespace'
  /** Processes of the host are not visible: the cell's and the sandbox's process namespace. */
  | 'process-namespaces'
  | 'ipc-namespace'
  | 'host-name'
  /** No further user namespace inside the sandbox. */
  | 'last-user-namespace'
  | 'capabilities'
  | 'system-call-filter'
  | 'empty-environment'
  | 'closed-descriptors'
  /** The host's files are not in the sandbox; without it they are at `/host`. */
  | 'hidden-host'
  | 'read-only-trees'
  | 'covered-proc'
  | 'payload-uid'
  | 'disk-limit'
  | 'inode-limit'
  | 'memory-limit'
  | 'process-limit'
  | 'time-limit'
  | 'log-limit'
  | 'material-hash'
  | 'output-links'
  | 'output-hard-links'
  | 'output-types'
  | 'output-modes'
  | 'output-names'
  | 'output-size'

export type Without = ReadonlySet<Defence>
