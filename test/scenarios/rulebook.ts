import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runMain } from './main.ts'

const files = ['trust.yaml', 'policies/staging.yaml', 'policies/production.yaml']

/** Makes the keys of two owners, has the home ask for the signatures of both, and gives each file a version. */
export async function rulebook(_: readonly string[], dir: string): Promise<string> {
  const home = join(dir, '.sallyport')
  const entries: string[] = []
  for (const owner of ['alice', 'bob']) {
    const key = ['--key', `.sallyport/keys/${owner}.pem`]
    const passphrase = ['--passphrase-file', `.sallyport/keys/${owner}.pass`]
    const args = ['rulebook', 'key', '--owner', owner, ...key, ...passphrase, '--json']
    const { raw } = await runMain(args, dir, {})
    const { publicKeyPem } = JSON.parse(raw) as { publicKeyPem: string }
    entries.push(`    - {owner: ${owner}, publicKey: ${JSON.stringify(publicKeyPem)}}`)
  }
  const written = ['rulebook:', '  trust: default', '  threshold: 2', '  keys:', ...entries, '']
  appendFileSync(join(home, 'sallyport.yaml'), written.join('\n'))
  for (const file of files.map((name) => join(home, name))) {
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace('metadata: {', 'metadata: {version: 1, '),
    )
  }
  return ''
}
