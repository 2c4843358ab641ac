import assert from 'node:assert/strict'
import { test } from 'node:test'

import { readCellMessage } from './cell-message.ts'

const result = {
  ended: 'done',
  environment: { PATH: '/bin' },
  logTruncated: false,
  exhausted: ['disk'],
  attempts: [{ protocol: 'tcp', address: '192.0.2.1', port: 443, count: 1 }],
  attemptsTruncated: false,
  outputs: ['accepted'],
  refused: [
    { code: 'WORKER_OUTPUT_REFUSED', where: '/build/a', expected: 'b', found: 'c', fix: 'D.' },
  ],
  undeclared: ['a'],
}

test('what a supervisor has to say is understood', () => {
  const messages = [
    { type: 'place', pid: 7 },
    { type: 'log', data: 'aGVsbG8=' },
    { type: 'command', command: { exitCode: 0, durationMs: 12 } },
    { type: 'command', command: { signal: 'SIGKILL', durationMs: 12 } },
    { type: 'probes', probes: [{ name: 'a', expected: 'b', found: 'c', contained: true }] },
    { type: 'result', result },
  ]
  for (const message of messages)
    assert.deepEqual(readCellMessage(JSON.stringify(message)), message, message.type)
})

test('what it has no reason to say is refused', () => {
  const messages: readonly (readonly [string, string])[] = [
    ['nothing', 'DOCUMENT_SYNTAX'],
    ['{"type":"place","type":"log"}', 'DOCUMENT_DUPLICATE_KEY'],
    ['{"type":"sign","statement":{}}', 'DOCUMENT_SHAPE'],
    ['{"type":"place","pid":-1}', 'DOCUMENT_SHAPE'],
    ['{"type":"place","pid":1,"uid":0}', 'DOCUMENT_UNKNOWN_FIELD'],
    ['{"type":"failure","problems":[]}', 'DOCUMENT_SHAPE'],
    [
      '{"type":"failure","problems":[{"code":"MADE_UP","expected":"","found":"","fix":""}]}',
      'DOCUMENT_SHAPE',
    ],
    [
      JSON.stringify({ type: 'result', result: { ...result, digest: 'x' } }),
      'DOCUMENT_UNKNOWN_FIELD',
    ],
    [
      JSON.stringify({ type: 'result', result: { ...result, outputs: ['/etc/passwd'] } }),
      'DOCUMENT_SHAPE',
    ],
  ]
  for (const [line, code] of messages) assert.throws(() => readCellMessage(line), { code }, line)
})
