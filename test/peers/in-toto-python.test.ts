import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { encodeEnvelope } from '#attestation'
import { signedArtifact } from './signed-artifact.ts'
import { install } from './tool-cache.ts'

const packages = [
  'securesystemslib==1.6.0',
  'in-toto-attestation==0.9.3',
  'protobuf==7.36.2',
  'cryptography==50.0.2',
]
const python = install({
  name: 'in-toto-python-1.6.0-0.9.3',
  file: 'bin/python',
  commands: [
    ['python3', '-m', 'venv', '$FOLDER'],
    [
      '$FOLDER/bin/python',
      '-m',
      'pip',
      'install',
      '--quiet',
      '--only-binary',
      ':all:',
      ...packages,
    ],
  ],
  timeoutMinutes: 5,
})
const options = 'reason' in python ? { skip: `skipped: ${python.reason}` } : {}

test('the in-toto Python libraries accept an envelope that Sallyport wrote', options, () => {
  using signed = signedArtifact()
  const { status, stdout, stderr } = verify(signed.envelopeFile, signed.publicKeyFile, signed.keyid)
  assert.equal(status, 0, stderr)
  assert.deepEqual(JSON.parse(stdout), {
    signers: [signed.keyid],
    payloadType: signed.envelope.payloadType,
    predicateType: signed.statement.predicateType,
    subject: signed.statement.subject.map(({ digest }) => digest),
    builder: 'https://sallyport.dev/builders/workstation-measured/v1',
    dependencies: ['git+https://git.example/shop'],
  })
})

test('the in-toto Python libraries refuse the envelope with another payload type', options, () => {
  using signed = signedArtifact()
  const changed = encodeEnvelope({ ...signed.envelope, payloadType: 'text/plain' })
  const { status, stderr } = verify(
    signed.write('changed.att', changed),
    signed.publicKeyFile,
    signed.keyid,
  )
  assert.equal(status, 1, stderr)
  assert.match(stderr, /signature/i)
})

function verify(...files: readonly string[]): {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
} {
  assert('path' in python)
  const script = join(import.meta.dirname, 'verify_envelope.py')
  return spawnSync(python.path, ['-I', script, ...files], {
    encoding: 'utf8',
    timeout: 60_000,
    killSignal: 'SIGKILL',
  })
}
