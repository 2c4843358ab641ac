import type { ServerResponse } from 'node:http'

type Commit = (response: ServerResponse, url: URL) => void

/** What can go wrong with a server, one word each. */
const commits = {
  hang: () => undefined,
  slow: (response) => repeat(response, ' ', 25),
  garbage: (response) => response.end('<html>Sign in to the network</html>'),
  error: (response) => response.writeHead(500).end('{"errors":[]}'),
  forbidden: (response) => response.writeHead(403).end(),
  'wrong-digest': (response) => response.end('{"schemaVersion":2,"layers":[]}'),
  loop: (response, url) => redirect(response, url.href),
  metadata: (response) => redirect(response, 'http://169.254.169.254/latest/meta-data/'),
  huge: (response) => repeat(response, 'x'.repeat(1 << 20), 1),
  truncated: (response) => {
    response.writeHead(200, { 'content-length': 4000 })
    response.write('{"schemaVersion":2,')
    setImmediate(() => response.socket?.destroy())
  },
  reset: (response) => response.socket?.resetAndDestroy(),
} as const satisfies Record<string, Commit>

export type Fault = keyof typeof commits

export const faults = Object.keys(commits) as readonly Fault[]

/** Answers a request as a server does that is not well. */
export function commitFault(fault: Fault, response: ServerResponse, url: URL): void {
  commits[fault](response, url)
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(307, { location }).end()
}

function repeat(response: ServerResponse, text: string, everyMs: number): void {
  response.writeHead(200)
  const timer = setInterval(() => {
    // What nobody takes is not piled up.
    if (response.writableLength < 1 << 21) response.write(text)
  }, everyMs)
  timer.unref()
  response.on('close', () => clearInterval(timer))
}
