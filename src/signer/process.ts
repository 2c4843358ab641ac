// The program of the signer process. It holds one key (the log's signer: two), answers over the socket it was given
// as descriptor 3, and ends when that socket closes. It is started with an empty environment and no arguments.
import { Socket } from 'node:net'
import type { Json, JsonObject } from '#document'
import { SallyportError, type Problem } from '#error'
import { FrameReader, frame } from './frames.ts'
import { call } from './messages.ts'
import { answer } from './service.ts'

process.umask(0o077)
// A terminal and systemd tell the whole process group to end. Whoever asks is still answering then, and closes the socket
// when nothing is left to sign.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
// Nothing about a failure is printed: what can be said is said in a reply, and only as a Problem.
process.on('uncaughtException', () => process.exit(70))

const channel = new Socket({ fd: 3, readable: true, writable: true })
const reader = new FrameReader()
let queue: Promise<void> = Promise.resolve()

channel.on('data', (chunk: Buffer) => {
  for (const message of reader.push(chunk)) queue = queue.then(() => serve(message))
})
channel.on('close', () => process.exit(0))
channel.on('error', () => process.exit(70))

async function serve(message: Json): Promise<void> {
  const { id, request } = call.parse(message)
  try {
    const answered = await answer(request as Json)
    if (typeof answered === 'function') answered().then(result(id), refusal(id))
    else result(id)(answered)
  } catch (cause) {
    refusal(id)(cause)
  }
}

const result = (id: number) => (result: JsonObject | null) => {
  channel.write(frame({ id, result }))
}

const refusal = (id: number) => (cause: unknown) => {
  channel.write(frame({ id, problems: problemsOf(cause).map((problem) => ({ ...problem })) }))
}

function problemsOf(cause: unknown): readonly Problem[] {
  if (cause instanceof SallyportError) return cause.problems.slice(0, 256).map(plain)
  // The message of an unforeseen error may hold anything, even a part of a secret: only its name leaves.
  const name = cause instanceof Error ? cause.name : 'unknown'
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? 'no code'
  return [
    {
      code: 'SIGNER_DIED',
      where: 'the signer process',
      expected: 'an answer',
      found: `an unforeseen failure (${name}, ${code})`,
      fix: 'Report this with the version of sallyport and the two words above',
    },
  ]
}

function plain(problem: Problem): Problem {
  const { code, where, expected, found, fix } = problem
  return { code, ...(where === undefined ? {} : { where }), expected, found, fix }
}
