import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pinCommand } from './placeholders.ts'

const artifact = (typed: string, at: number) => ({
  typed,
  value: `/pinned/${at}`,
  digest: `sha256:${at}`,
})
const one = [artifact('app.sql', 1)]
const two = [artifact('a.deb', 1), artifact('oci://r.example/b:1', 2)]
const pin = (command: readonly string[], artifacts = one, inEnvironment = false) =>
  pinCommand(command, artifacts, { inEnvironment })

test('placeholders stand for what was decided about', () => {
  assert.deepEqual(pin(['psql', '-f', '{}']), ['psql', '-f', '/pinned/1'])
  assert.deepEqual(pin(['x', '--file={}', '{digest}', '{1.digest}']), [
    'x',
    '--file=/pinned/1',
    'sha256:1',
    'sha256:1',
  ])
  assert.deepEqual(pin(['x', '{}', '{digest}'], two), [
    'x',
    '/pinned/1',
    '/pinned/2',
    'sha256:1',
    'sha256:2',
  ])
  assert.deepEqual(pin(['x', 'docker://{2}', '{1}'], two), ['x', 'docker:///pinned/2', '/pinned/1'])
})

test('what only looks like a placeholder is left alone, and what is put in is not read again', () => {
  assert.deepEqual(pin(['x', '{}', '{"a": 1}', '${HOME}', '{a}']), [
    'x',
    '/pinned/1',
    '{"a": 1}',
    '${HOME}',
    '{a}',
  ])
  const odd = [{ typed: '{digest}.sql', value: '/pinned/{digest}.sql', digest: 'sha256:1' }]
  assert.deepEqual(pin(['x', '-f={}', '{}'], odd), [
    'x',
    '-f=/pinned/{digest}.sql',
    '/pinned/{digest}.sql',
  ])
})

test('a command that would take the artifact from where it was is refused', () => {
  for (const word of ['app.sql', './app.sql', '--file=app.sql'])
    assert.throws(() => pin(['psql', word, '{}']), { code: 'GATE_UNPINNED' }, word)
  for (const word of ['oci://r.example/b:1', 'r.example/b:1', 'docker://r.example/b:1'])
    assert.throws(() => pin(['skopeo', '{1}', word], two), { code: 'GATE_UNPINNED' }, word)
  assert.throws(() => pin(['./deploy.sh']), { code: 'GATE_UNPINNED' })
  assert.throws(() => pin(['{}']), { code: 'GATE_UNPINNED' })
  assert.deepEqual(pin(['./deploy.sh'], one, true), ['./deploy.sh'])
})

test('a placeholder for nothing, or for more than one, is refused', () => {
  for (const word of ['{2}', '{0}', '{999.digest}'])
    assert.throws(() => pin(['x', word]), { code: 'GATE_PLACEHOLDER' }, word)
  assert.throws(() => pin(['x', '--all={}'], two), { code: 'GATE_PLACEHOLDER' })
})
