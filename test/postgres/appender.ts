// A replica that appends until it is killed. It says what it was answered, one JSON line each, before it goes on.
import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { openSharedLog } from '#log'
import { openPostgresStore, type PostgresOptions } from '#store'
import { fileMemory, RememberingSigner } from '../../src/log/testing/remembering-signer.ts'

const [given = '', memory = '', name = ''] = process.argv.slice(2)
const workers = 6

// Started ahead of time: what takes long is loading, and what is tested begins here.
const word = await Promise.race([once(process.stdin, 'data'), once(process.stdin, 'end')])
if (word.length === 0) process.exit(0)
const options = JSON.parse(given) as PostgresOptions
const store = await openPostgresStore(options)
const signer = new RememberingSigner(fileMemory(memory), 1)
const { origin, verifierKeys } = signer
const log = await openSharedLog({ store: store.log, origin, verifierKeys, signer })
say({ opened: log.checkpoint() })
let next = 0
await Promise.all(
  Array.from({ length: workers }, async () => {
    for (;;) {
      const text = `${name}-${next++} `.padEnd(100 + (next % 7) * 50, '.')
      try {
        const { index } = await log.append(Buffer.from(text))
        say({ index, text, checkpoint: log.checkpoint() })
      } catch (problem) {
        say({ refused: String(problem) })
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
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
