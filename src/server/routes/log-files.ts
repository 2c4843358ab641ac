import type { IncomingMessage, ServerResponse } from 'node:http'
import { SallyportError } from '#error'
import type { GateService } from './ports.ts'

/** C2SP tlog-tiles: checkpoint, tiles of hashes, bundles of entries; nothing else of the folder is ever served. */
const file =
  /^(?:checkpoint|tile\/(?:entries|[0-9]|[1-5][0-9]|6[0-3])\/(?:x\d{3}\/){0,6}\d{3}(?:\.p\/(?:[1-9]|[1-9]\d|1\d\d|2[0-4]\d|25[0-5]))?)$/

/** Serves the log to stock readers. What is not open to everybody is kept by whoever asked, and by no cache between. */
export async function answerLogFile(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  service: GateService,
  { isOpen }: { readonly isOpen: boolean },
): Promise<void> {
  const bytes = file.test(path) ? await service.logFile(path) : undefined
  if (bytes === undefined) throw new SallyportError(notThere(path))
  const isCheckpoint = path === 'checkpoint'
  response.writeHead(200, {
    'content-type': isCheckpoint ? 'text/plain; charset=utf-8' : 'application/octet-stream',
    'cache-control': isCheckpoint
      ? 'no-cache'
      : `${isOpen ? 'public' : 'private'}, max-age=31536000, immutable`,
    'content-length': bytes.length,
  })
  response.end(request.method === 'HEAD' ? undefined : bytes)
}

function notThere(path: string) {
  return {
    code: 'REQUEST_NOT_FOUND' as const,
    where: `/log/${path.slice(0, 200)}`,
    expected: 'checkpoint, or tile/… of a size that the checkpoint tells',
    found: 'no such file',
    fix: 'Read /log/checkpoint first, and ask for what it tells',
  }
}
