import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

import { TarError } from './tar-reader.ts'
import { BlobError, type Unpacked } from './unpack.ts'
import type { UnpackAnswer, UnpackJob } from './unpack-thread.ts'

/** Unpacks a tree in a thread of its own, while this one unpacks others: the toolchain is most of what there is. */
export async function unpackAside(job: UnpackJob): Promise<Unpacked> {
  const script = import.meta.filename.replace('unpack-aside', 'unpack-thread')
  const thread = new Worker(script, { workerData: job, env: {} })
  const [answer] = (await once(thread, 'message')) as [UnpackAnswer]
  if ('unpacked' in answer) return answer.unpacked
  const { name, message, code } = answer.error
  if (name === 'TarError') throw new TarError(message)
  if (name === 'BlobError') throw new BlobError(message)
  throw Object.assign(new Error(message), { code })
}
