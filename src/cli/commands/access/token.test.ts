import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseYaml } from '#document'
import type { Session } from '../../session.ts'
import { makeToken } from './token.ts'

test('the line for the gate says the name as it is, and shows nothing that is not seen', async (t) => {
  const cwd = mkdtempSync(join(tmpdir(), 'sallyport-token-'))
  t.after(() => rmSync(cwd, { recursive: true }))
  const look = { paint: { good: (text: string) => text } }
  const session = { cwd, now: () => new Date(), outLook: () => look } as unknown as Session
  const names = ['nodes: all', 'a "b" \\ c', 'x\u202e\u{e0001}\u{1f600}\n']
  for (const [at, name] of names.entries()) {
    const options = { role: ['viewer'], days: 1, output: `${at}.token` }
    const { text = '' } = await makeToken(session, name, options)
    assert.doesNotMatch(text, /[\u202e\u{e0001}]/u)
    const block = text.slice(text.indexOf('  tokens:'))
    const { value } = parseYaml(Buffer.from(block), { file: 'sallyport.yaml' })
    const { tokens } = value as unknown as { tokens: readonly { name: string }[] }
    assert.equal(tokens[0]?.name, name)
  }
})
