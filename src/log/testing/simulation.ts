import { verifyLog } from '../index.ts'
import { openLog, type Log } from '../log.ts'
import type { CheckpointSigner } from '../ports.ts'
import type { LogLimits } from '../committer.ts'
import { MemoryDisk, type MemoryStorage, type Step } from './memory-storage.ts'
import { RememberingSigner, testOrigin, volatileMemory } from './remembering-signer.ts'

/** All housekeeping happens within a few entries, and every commit is published. */
const smallLimits: LogLimits = {
  publishAfter: 0,
  turn: 0,
  journalBytes: 5000,
  unsettledTiles: 2,
}

/** One machine: a disk, and a signer's memory that survives as the disk does. */
export class Machine {
  readonly disk = new MemoryDisk()
  readonly memory = volatileMemory()
  readonly keys: 1 | 2

  constructor(keys: 1 | 2 = 1) {
    this.keys = keys
  }

  get identity() {
    const { verifierKeys } = new RememberingSigner(this.memory, this.keys)
    return { origin: testOrigin, verifierKeys }
  }

  /** A process that opens the log. */
  async start(
    before?: (step: Step, path?: string) => void,
    limits: Partial<LogLimits> = {},
  ): Promise<Log> {
    const storage = this.disk.open(before)
    const signer = steppingSigner(this, storage)
    return openLog({ storage, signer, limits: { ...smallLimits, ...limits } })
  }

  async verify(earlier: readonly string[] = []) {
    return verifyLog({ storage: this.disk.open(), ...this.identity, earlier })
  }
}

/** A signer that can be killed before it remembers, and before it answers. */
function steppingSigner({ memory, keys }: Machine, storage: MemoryStorage): CheckpointSigner {
  const signer = new RememberingSigner(memory, keys)
  return {
    origin: signer.origin,
    verifierKeys: signer.verifierKeys,
    newest: async () => signer.newest(),
    remember: async (request) => {
      storage.step('remember')
      await signer.remember(request)
      storage.step('remembered')
    },
    sign: async (request) => {
      storage.step('sign')
      const note = await signer.sign(request)
      storage.step('signed')
      return note
    },
  }
}

export function entry(number: number): Buffer {
  return Buffer.from(`{"decision":${number}}`)
}

export function entries(from: number, count: number): Buffer[] {
  return Array.from({ length: count }, (_, at) => entry(from + at))
}
