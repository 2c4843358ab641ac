import {
  extend,
  readTarHeader,
  tarBlock,
  TarError,
  type Extended,
} from '../../../src/worker/cell/tar-reader.ts'
import { answerTo, readQuestion } from '../../../src/worker/cell/dns.ts'
import { readCellMessage } from '../../../src/worker/cell-message.ts'
import { parseCount } from '../../../src/cli/number.ts'
import { parseDuration } from '../../../src/cli/duration.ts'
import { FrameReader, frame } from '../../../src/signer/frames.ts'
import { encodeRecord, journalStart, parseJournal } from '../../../src/log/journal.ts'
import type { Target } from '../target.ts'
import { tarSeeds } from './tar-seeds.ts'

const query = Buffer.from('123401000001000000000000076578616d706c6503636f6d0000010001', 'hex')
const messages = [
  { type: 'place', pid: 12 },
  { type: 'log', data: 'aGVsbG8=' },
  { type: 'probes', probes: [] },
]

/** What stands between processes, and what a build can send to us. */
export const workerTargets: readonly Target[] = [
  {
    name: 'worker.readTarHeader',
    covers: [],
    form: 'bytes',
    seeds: tarSeeds,
    run: (input) => {
      const extended: Extended = {}
      const block = Buffer.alloc(tarBlock)
      input.copy(block, 0, 0, tarBlock)
      try {
        extend(extended, 'pax', input.subarray(tarBlock, tarBlock + 400))
        readTarHeader(block, extended)
      } catch (error) {
        // The worker has no catalogue of problems: this is how it refuses.
        if (!(error instanceof TarError)) throw error
      }
    },
  },
  {
    name: 'worker.readQuestion',
    covers: [],
    form: 'bytes',
    seeds: () => [query],
    run: (input) => [readQuestion(input), answerTo(input)],
  },
  {
    name: 'worker.readCellMessage',
    covers: [],
    form: 'json',
    seeds: () => messages.map((one) => Buffer.from(JSON.stringify(one))),
    run: (input) => readCellMessage(input.toString()),
  },
  {
    name: 'signer.FrameReader',
    covers: [],
    form: 'bytes',
    seeds: () => [
      frame({ id: 1, request: { do: 'newest' } }),
      Buffer.concat([frame({}), frame([])]),
    ],
    run: (input) => {
      const reader = new FrameReader()
      reader.push(input.subarray(0, 5))
      reader.push(input.subarray(5))
    },
  },
  {
    name: 'log.parseJournal',
    covers: [],
    form: 'bytes',
    seeds: () => [
      Buffer.alloc(64),
      Buffer.from(
        encodeRecord(
          { kind: 'batch', size: 0, entries: [Buffer.from('{}')] },
          journalStart,
          journalStart,
        ).bytes,
      ),
    ],
    run: (input) => parseJournal(input, journalStart, journalStart),
  },
  {
    name: 'cli.values',
    covers: [],
    form: 'text',
    seeds: () => ['10', '5m', '7d', 'a=b'].map((text) => Buffer.from(text)),
    run: (input) => {
      for (const parse of [parseCount, parseDuration]) {
        try {
          parse(input.toString())
        } catch (error) {
          // Commander's own word for a wrong argument.
          if (
            (error as Error).name !== 'InvalidArgumentError' &&
            (error as Error).constructor.name !== 'InvalidArgumentError'
          )
            throw error
        }
      }
    },
  },
]
