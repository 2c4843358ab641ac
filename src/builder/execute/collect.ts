import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { relative, isAbsolute } from 'node:path'
import { quote, SallyportError } from '#error'
import type { BlobStore } from '#materials'
import type { StepReport } from '#worker'
import type { PlannedStep } from '../definition/plan.ts'
import type { StepOutput } from './records.ts'

/**
 * Takes what a step left into the blob store. The digests are computed here, from the files; the report only says where
 * they are, and it must name exactly the outputs that were declared.
 */
export async function collectOutputs(
  step: PlannedStep,
  report: StepReport,
  options: { readonly folder: string; readonly blobs: BlobStore },
): Promise<readonly StepOutput[]> {
  const key = ({ path, type }: { path: string; type: string }): string => `${type} ${path}`
  const declared = step.outputs.map(key).sort().join('\n')
  const reported = report.outputs.map(key).sort().join('\n')
  if (declared !== reported) throw impossible(step, quote(declared), quote(reported))
  const outputs: StepOutput[] = []
  for (const { path, type, file } of report.outputs) {
    const inside = relative(options.folder, file)
    if (inside === '' || inside.startsWith('..') || isAbsolute(inside))
      throw impossible(step, `files in ${options.folder}`, quote(file))
    const hashed = await hashFile(file, step)
    const { size } = await options.blobs.putFile(file, hashed.sha256)
    if (size !== hashed.size) throw impossible(step, `${hashed.size} bytes`, `${size} bytes`)
    outputs.push({ path, type, ...hashed })
  }
  return outputs
}

async function hashFile(
  file: string,
  step: PlannedStep,
): Promise<Pick<StepOutput, 'sha256' | 'sha512' | 'size'>> {
  // An output may be a link to a key: it is opened without following, and must be a file of its own.
  await using handle = await openFile(file, step)
  const status = await handle.stat()
  if (!status.isFile() || status.nlink !== 1)
    throw impossible(step, 'regular files that have one name', quote(file))
  const [sha256, sha512] = [createHash('sha256'), createHash('sha512')]
  let size = 0
  const stream = handle.createReadStream({ autoClose: false, highWaterMark: 1 << 20 })
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    sha256.update(chunk)
    sha512.update(chunk)
    size += chunk.length
  }
  return { sha256: sha256.digest('hex'), sha512: sha512.digest('hex'), size }
}

async function openFile(file: string, step: PlannedStep): Promise<FileHandle> {
  try {
    return await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException
    throw impossible(step, 'regular files that have one name', `${quote(file)} (${code})`)
  }
}

function impossible(step: PlannedStep, expected: string, found: string): SallyportError {
  return new SallyportError({
    code: 'BUILD_WORKER_REPORT',
    where: `step ${step.id}`,
    expected,
    found,
    fix: 'Report this: the supervisor of the sandbox said something that cannot be',
  })
}
