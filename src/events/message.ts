/** The words of syslog (RFC 5424), least first. */
export type Severity = 'info' | 'notice' | 'warning' | 'error' | 'critical'

/** One thing to tell, the same for every way in which it is told. */
export interface Message {
  /** Whoever hears the same one twice knows it by this. */
  readonly id: string
  /** RFC 3339, UTC. */
  readonly time: string
  /** What kind of thing happened: at most 32 printable ASCII characters, because syslog takes no more. */
  readonly name: string
  readonly severity: Severity
  /** One line for people. Names in it were chosen by whoever asks. */
  readonly summary: string
  /** JSON on one line. */
  readonly body: Uint8Array
}
