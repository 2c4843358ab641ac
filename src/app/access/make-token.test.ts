import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openAccess, roles } from '#server'
import { makeToken, type TokenOptions } from './make-token.ts'

const dir = mkdtempSync(join(tmpdir(), 'sallyport-token-'))
after(() => rmSync(dir, { recursive: true, force: true }))
const noKing = {
  code: 'USAGE_VALUE',
  where: 'sallyport access token --role',
  found: '"king"',
  fix: 'Name a role; what each may stands in docs/operations.md',
}
const now = new Date('2026-03-02T10:00:00.500Z')
const fileOf = (name: string): string => join(dir, name)
const make = (file: string, more: Partial<TokenOptions> = {}) =>
  makeToken({ name: 'nodes', roles: ['deployer'], days: 90, now, file: fileOf(file), ...more })

test('who has the file is somebody at the gate, until its last day', async () => {
  const { entry, file } = await make('one', { roles: ['deployer', 'viewer', 'deployer'] })
  assert.equal(file, fileOf('one'))
  assert.deepEqual([entry.name, entry.roles], ['nodes', ['deployer', 'viewer']])
  assert.equal(entry.expires, '2026-05-31T10:00:00Z')
  const expires = new Date(entry.expires)
  const authorization = `Bearer ${readFileSync(file, 'utf8').trim()}`
  const request = { headers: { authorization }, socket: {} } as unknown as IncomingMessage
  const at = (clock: Date) => {
    const tokens = [{ ...entry, expires }]
    return openAccess({ tokens, certificates: [], oidc: [] }, () => clock)
  }
  assert.equal((await at(now).require(request, ['viewer'])).name, 'token:nodes')
  await assert.rejects(at(now).require(request, ['operator']), { code: 'ACCESS_FORBIDDEN' })
  await assert.rejects(at(expires).require(request, ['viewer']), {
    code: 'ACCESS_UNAUTHENTICATED',
  })
})

test('nobody else can read it, no two are the same, and none is overwritten', async () => {
  const [first, second] = [await make('first'), await make('second')]
  assert.equal(statSync(first.file).mode & 0o777, 0o600)
  assert.match(readFileSync(first.file, 'utf8'), /^sallyport_[A-Za-z0-9_-]{43}\n$/)
  assert.notEqual(first.entry.sha256, second.entry.sha256)
  const before = readFileSync(first.file, 'utf8')
  await assert.rejects(make('first'), { code: 'FILE_UNWRITABLE' })
  assert.equal(readFileSync(first.file, 'utf8'), before)
})

test('for a name or a role that the configuration would not take there is none', async () => {
  const files = readdirSync(dir)
  await assert.rejects(make('king', { roles: ['viewer', 'king'] }), {
    code: 'USAGE_VALUE',
    problems: [{ ...noKing, expected: `one of ${roles.join(', ')}` }],
  })
  for (const name of ['', '  ', 'n'.repeat(201)]) {
    await assert.rejects(make('unnamed', { name }), { code: 'USAGE_VALUE' })
  }
  assert.deepEqual(readdirSync(dir), files)
})
