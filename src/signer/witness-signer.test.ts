import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openCosignatures, parseNote, parseVerifierKey } from '#merkle'
import { testLog } from '../log/testing/test-log.ts'
import { startSigner, type WitnessSigner } from './index.ts'
import { home, newKey } from './testing/home.ts'

async function open(
  t: { after(clean: () => void): void },
  log: Awaited<ReturnType<typeof testLog>>,
) {
  const { folder } = home(t)
  const ed25519 = await newKey(folder, 'ed25519')
  const { keyFile: mlDsaKeyFile } = await newKey(folder, 'ml-dsa-44')
  const { keyFile, passphraseFile } = ed25519
  const logs = [{ origin: log.log.origin, verifierKeys: log.verifierKeys }]
  const role = { kind: 'witness', name: 'witness.example/w1', mlDsaKeyFile, logs } as const
  return await startSigner({ keyFile, passphraseFile, role })
}

test('the signer of a witness cosigns with Ed25519 and ML-DSA-44 what a log has signed', async (t) => {
  const log = await testLog(['a'])
  await using signer: WitnessSigner = await open(t, log)
  const note = log.log.checkpoint()
  const lines = await signer.cosign(log.log.origin, note)
  const { text } = parseNote(note)
  const keys = signer.verifierKeys.map(parseVerifierKey)
  assert.deepEqual(
    keys.map(({ type }) => type),
    ['ed25519-cosignature', 'ml-dsa-44'],
  )
  for (const key of keys) assert.equal(openCosignatures(lines, text, key).length, 1)
})

test('the signer of a witness refuses other logs, what its log has not signed, older trees and another of the same size', async (t) => {
  const log = await testLog(['a', 'b'])
  const older = (await testLog(['a'])).log.checkpoint()
  const other = (await testLog(['a', 'x'])).log.checkpoint()
  await using signer = await open(t, log)
  const { origin } = log.log
  const note = log.log.checkpoint()
  await assert.rejects(signer.cosign('other.example', note), { code: 'WITNESS_LOG_UNKNOWN' })
  await assert.rejects(signer.cosign(origin, note.replace('\n2\n', '\n3\n')), {
    code: 'NOTE_SIGNATURE_INVALID',
  })
  await signer.cosign(origin, note)
  await assert.rejects(signer.cosign(origin, older), { code: 'LOG_ROLLED_BACK' })
  await assert.rejects(signer.cosign(origin, other), { code: 'LOG_FORKED' })
  await signer.cosign(origin, note)
})
