import assert from 'node:assert/strict'
import { verifyLog } from '../index.ts'
import { openLog, type Log } from '../log.ts'
import type { CheckpointSigner } from '../ports.ts'
import type { LogLimits } from '../committer.ts'
import { Killed, MemoryDisk, type MemoryStorage, type Step } from './memory-storage.ts'
import { RememberingSigner, testOrigin, VolatileMemory } from './remembering-signer.ts'

/** All housekeeping happens within a few entries, and every commit is published. */
const smallLimits: LogLimits = {
  publishAfter: 0,
  turn: 0,
  journalBytes: 5000,
  unsettledTiles: 2,
}

/** One machine: a disk, and a signer's memory. */
export class Machine {
  readonly disk = new MemoryDisk()
  readonly memory = new VolatileMemory()
  readonly keys: 1 | 2

  constructor(keys: 1 | 2 = 1) {
    this.keys = keys
  }

  get identity() {
    const { verifierKeys } = new RememberingSigner(this.memory, this.keys)
    return { origin: testOrigin, verifierKeys }
  }

  /** Of what was not settled, each file is lost, there or empty, as `choose` says, and what the signer remembers forgotten or kept. */
  failPower(
    choose: Parameters<MemoryDisk['failPower']>[0],
    memory: 'forgotten' | 'kept' = 'forgotten',
  ): void {
    this.disk.failPower(choose)
    if (memory === 'forgotten') this.memory.failPower()
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

/** A machine whose only process was killed at this step of its first entry. */
export async function killedAt(fatal: Step): Promise<Machine> {
  const machine = new Machine()
  let begun = false
  const log = await machine.start((step) => {
    if (begun && step === fatal) throw new Killed()
  })
  begun = true
  await assert.rejects(log.append(entry(0)), Killed)
  machine.disk.killAll()
  return machine
}

/** A signer that can be killed before it remembers, and before it answers. */
function steppingSigner({ memory, keys }: Machine, storage: MemoryStorage): CheckpointSigner {
  const signer = new RememberingSigner(memory, keys)
  return {
    origin: signer.origin,
    verifierKeys: signer.verifierKeys,
    journalKey: signer.journalKey,
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
