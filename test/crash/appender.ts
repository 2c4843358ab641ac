// A process that appends until it is killed. It says what it was answered, one JSON line each, before it goes on.
import { writeSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { openLog } from '../../src/log/log.ts'
import { fileMemory, RememberingSigner } from '../../src/log/testing/remembering-signer.ts'
import { openFileLogStorage } from '../../src/store/embedded/log-storage.ts'

const [folder = '', name = ''] = process.argv.slice(2)
const workers = 6

// Started ahead of time: what takes long is loading, and what is tested begins here. Without a word it just ends, which
// leaves the compiled program in the cache: a process that is killed leaves nothing.
const word = await Promise.race([once(process.stdin, 'data'), once(process.stdin, 'end')])
if (word.length === 0) process.exit(0)
const log = await openLog({
  storage: openFileLogStorage(join(folder, 'log')),
  signer: new RememberingSigner(fileMemory(join(folder, 'memory')), 1),
  limits: { journalBytes: 10_000, unsettledTiles: 2 },
})
say({ opened: log.checkpoint() })
let next = 0
await Promise.all(
  Array.from({ length: workers }, async () => {
    for (;;) {
      const text = `${name}-${next++} `.padEnd(100 + (next % 7) * 50, '.')
      const { index } = await log.append(Buffer.from(text))
      say({ index, text, checkpoint: log.checkpoint() })
    }
  }),
)

function say(line: object): void {
  const bytes = Buffer.from(`${JSON.stringify(line)}\n`)
  for (let at = 0; at < bytes.length;)
    try {
      at += writeSync(1, bytes, at)
    } catch (problem) {
      if (!(problem instanceof Error && 'code' in problem && problem.code === 'EAGAIN'))
        throw problem
    }
}
