import { parentPort, workerData } from 'node:worker_threads'

import { unpackTar, type OpenBlob, type UnpackOptions, type Unpacked } from './unpack.ts'

/** One tree to unpack. */
export interface UnpackJob {
  readonly blob: OpenBlob
  readonly folder: string
  readonly options: UnpackOptions
}

/** What a thread answers: errors lose their class on the way. */
export type UnpackAnswer =
  | { readonly unpacked: Unpacked }
  | { readonly error: { readonly name: string; readonly message: string; readonly code?: string } }

const { blob, folder, options } = workerData as UnpackJob
let answer: UnpackAnswer
try {
  answer = { unpacked: unpackTar(blob, folder, options) }
} catch (error) {
  const { name, message, code } = error as NodeJS.ErrnoException
  answer = { error: { name, message, ...(code === undefined ? {} : { code }) } }
}
parentPort?.postMessage(answer, [])
