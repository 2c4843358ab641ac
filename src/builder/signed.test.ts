import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { predicateTypes, splitAttestations } from '#attestation'
import { builderIds, createKey, startSigner, type StatementSigner } from '#signer'
import { isVerified, parseTrust, verifyAttestation } from '#trust'
import { build, type BuilderSigner } from './build.ts'
import { newHome, newRepository, options } from './testing/home.ts'
import { sourceWithMaterials } from './testing/materials.ts'
import { tinyHost } from './testing/tiny-host.ts'
import { pretendWorker } from './testing/worker.ts'

const id = builderIds.workstationMeasured

function signerOf(process_: StatementSigner): BuilderSigner {
  return {
    keyidOf: () => Promise.resolve(process_.keyid),
    sign: (_, statement) => process_.sign(statement),
  }
}

function trustIn(publicKeyPem: string, builderId: string): string {
  const key = publicKeyPem.trimEnd().replaceAll('\n', '\n          ')
  return `apiVersion: sallyport.dev/v1
kind: Trust
metadata: {name: default, owner: platform}
signers:
  builder:
    keys:
      - publicKey: |
          ${key}
        validFrom: 2026-01-01T00:00:00Z
    predicateTypes: ['${predicateTypes.slsaProvenanceV1}']
    builders: [{id: '${builderId}', level: 1}]
`
}

test('what a build leaves is signed by a process of its own and verified with a trust file', async (t) => {
  const home = newHome(t)
  const [keyFile, passphraseFile] = [join(home.folder, 'key.pem'), join(home.folder, 'key.pass')]
  writeFileSync(passphraseFile, 'a passphrase for a test\n', { mode: 0o600 })
  await createKey({ algorithm: 'ecdsa-p256', file: keyFile, passphraseFile })
  const role = { kind: 'builder', builderIds: [id] } as const
  const journalFile = join(home.folder, 'signatures.jsonl')
  await using signer = await startSigner({ keyFile, passphraseFile, role, journalFile })
  const { files } = await sourceWithMaterials(home.ports.blobs)
  const { path } = newRepository(home.folder, files)
  const { runStep } = pretendWorker(() => ({ 'thing.txt': 'made' }))
  const ports = { ...home.ports, runStep, signer: signerOf(signer) }
  const { artifacts } = await build(options({ ...home, host: tinyHost(home.folder) }, path), ports)
  const [bundle = new Uint8Array()] = splitAttestations(
    readFileSync(artifacts[0]?.bundlePath ?? ''),
  )
  const now = new Date('2026-11-20T12:00:00Z')
  const verify = (bytes: Uint8Array, builderId: string) =>
    verifyAttestation(
      bytes,
      parseTrust(Buffer.from(trustIn(signer.publicKeyPem, builderId)), { file: 'trust.yaml' }),
      now,
    )
  const verified = verify(bundle, id)
  assert.ok(isVerified(verified), JSON.stringify(verified))
  assert.equal(verified.value.subject[0]?.digest?.['sha256'], artifacts[0]?.sha256)
  assert.ok(!isVerified(verify(bundle, builderIds.workstationPinned)))
  const flipped = Buffer.from(
    Buffer.from(bundle)
      .toString('latin1')
      .replace(/"payload":"(.)/, (_, one: string) => `"payload":"${one === 'e' ? 'f' : 'e'}`),
    'latin1',
  )
  assert.ok(!isVerified(verify(flipped, id)))
})
