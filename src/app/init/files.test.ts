import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createKey } from '#signer'
import { HomeFiles } from './files.ts'

/** Runs a line of code that can write no byte into any file, and gives the code of what it throws. */
function withoutRoom(code: string): string {
  const from = (path: string): string => JSON.stringify(join(import.meta.dirname, path))
  const script = `
    import { HomeFiles } from ${from('files.ts')}
    import { createKey } from ${from('../../signer/index.ts')}
    await (${code}).catch((error) => process.stdout.write(error.code))`
  const node = [process.execPath, '--input-type=module', '-e', script]
  const run = spawnSync('sh', ['-c', 'ulimit -f 0; exec "$@"', 'sh', ...node], { encoding: 'utf8' })
  assert.equal(run.status, 0, run.stderr)
  return run.stdout
}

test('where there is no room no passphrase is left, and no key: the next run makes them whole', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'sallyport-home-files-'))
  t.after(() => rmSync(home, { recursive: true }))
  const [file, passphraseFile] = [join(home, 'key.pem'), join(home, 'key.pass')]
  const files = new HomeFiles(home)
  const [at, passphraseAt] = [JSON.stringify(file), JSON.stringify(passphraseFile)]
  assert.equal(withoutRoom(`new HomeFiles('/').passphrase(${passphraseAt})`), 'FILE_UNWRITABLE')
  assert.deepEqual(readdirSync(home), [])
  await files.passphrase(passphraseFile)
  const made = readFileSync(passphraseFile, 'utf8')
  const key = `{algorithm: 'ed25519', file: ${at}, passphraseFile: ${passphraseAt}}`
  assert.equal(withoutRoom(`createKey(${key})`), 'SIGNER_FILE')
  assert.deepEqual(readdirSync(home), ['key.pass'])
  await files.passphrase(passphraseFile)
  await createKey({ algorithm: 'ed25519', file, passphraseFile })
  assert.equal(readFileSync(passphraseFile, 'utf8'), made)
  assert.deepEqual(readdirSync(home), ['key.pass', 'key.pem'])
  for (const one of [file, passphraseFile]) assert.equal(statSync(one).mode & 0o777, 0o600)
})
