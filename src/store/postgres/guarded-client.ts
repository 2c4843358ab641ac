import { Client, type ClientConfig } from 'pg'
import { openFrames } from './frames.ts'

/**
 * A session that ends when what comes is not of the protocol. The driver throws for some of it while it reads, where nobody
 * could catch it and the process would end, and reads texts without an end for ever.
 */
export class GuardedClient extends Client {
  constructor(config?: string | ClientConfig) {
    super(config)
    const connection = this.connection as unknown as Attaching
    const attach = connection.attachListeners.bind(connection)
    connection.attachListeners = (stream) => attach(guarded(stream))
  }
}

/** Of the driver's connection what its types leave out. */
interface Attaching {
  attachListeners(stream: Incoming): void
}

interface Incoming {
  on(event: string, listener: (chunk: Buffer) => void): unknown
  destroy(error: Error): unknown
}

function guarded(stream: Incoming): Incoming {
  const check = openFrames()
  return {
    destroy: (error) => stream.destroy(error),
    on: (event, listener) =>
      stream.on(event, (chunk) => {
        if (event !== 'data') return listener(chunk)
        try {
          check(chunk)
          listener(chunk)
        } catch (error) {
          stream.destroy(error instanceof Error ? error : new Error(String(error)))
        }
      }),
  }
}
