// What entries in transparency logs must not get away with. Everything else in each bundle is right, so each refusal has one reason.
import assert from 'node:assert/strict'
import { sign } from 'node:crypto'
import { test } from 'node:test'
import type { Json } from '#document'
import { ecKeys } from './testing/certificates.ts'
import { check, codes, instance, places, proven, refused, signer, v2 } from './testing/check.ts'
import { at, edited, gone, type Edit, textAt } from './testing/edit.ts'
import {
  artifact,
  bytesOf,
  certificateOf,
  rootOf,
  signBundle,
  signedAt,
} from './testing/instance.ts'
import { base64, checkpointOf, promiseOf, rekorV1, rekorV2, signatureLine } from './testing/logs.ts'

const { entry, proof, stamps } = places

test('a signature with a certificate is in a transparency log of the root', () => {
  assert.deepEqual(refused({ logs: [], timestamps: [{}] }), ['SIGSTORE_LOG_MISSING'])
  const logs = [{ log: rekorV1() }]
  assert.deepEqual(refused({ logs, timestamps: [{}] }), ['SIGSTORE_LOG_MISSING'])
  assert.deepEqual(
    codes(check(signBundle(instance, { logs: [], timestamps: [{}] }), { thresholds: { logs: 0 } })),
    [],
  )
})

test('an entry is about the signature of the bundle', () => {
  for (const options of [{}, v2, { payload: null }, { ...v2, payload: null }]) {
    const certificate = certificateOf(instance)
    const other = at(signBundle(instance, { ...options, certificate }), entry)
    const bundle = edited(signBundle(instance, { ...options, certificate }), [entry, other])
    assert.deepEqual(codes(check(bundle)), ['SIGSTORE_LOG_MISMATCH'])
  }
})

test('an entry is about the certificate of the bundle', () => {
  const { keys, der } = certificateOf(instance)
  const other = certificateOf(instance, { keys })
  for (const options of [{}, v2]) {
    const bundle = signBundle(instance, { ...options, certificate: { keys, der } })
    const swapped: Edit = ['verificationMaterial.certificate.rawBytes', base64(other.der)]
    assert.deepEqual(codes(check(edited(bundle, swapped))), ['SIGSTORE_LOG_MISMATCH'])
  }
})

test('an entry for the bare key of a certificate is not an entry for the certificate', () => {
  const { keys, der } = certificateOf(instance)
  const options = { signer: () => signature }
  const signature = sign('sha256', Buffer.from('whatever'), keys.privateKey)
  const bundle = signBundle(instance, { ...options, certificate: { keys, der } })
  const other = at(signBundle(instance, { ...options, publicKey: keys }), entry)
  assert.deepEqual(codes(check(edited(bundle, [entry, other]))).slice(0, 1), [
    'SIGSTORE_LOG_MISMATCH',
  ])
})

test('an entry is about the content of the bundle', () => {
  const { keys, der } = certificateOf(instance)
  const signature = sign('sha256', Buffer.from('whatever'), keys.privateKey)
  const options = { signer: () => signature, certificate: { keys, der } }
  for (const kind of ['dsse', 'intoto', 'hashedrekord'] as const) {
    for (const log of [instance.v1, instance.v2]) {
      if (log.version === 2 && kind === 'intoto') continue
      const logs = [{ log, kind }]
      const more = { ...options, logs, timestamps: [{}] }
      const bundle = signBundle(instance, more)
      const other = at(signBundle(instance, { ...more, payload: Buffer.from('{}') }), entry)
      const found = codes(check(edited(bundle, [entry, other])))
      assert.deepEqual(
        found,
        ['SIGSTORE_LOG_MISMATCH', 'SIGSTORE_SIGNATURE'],
        `${kind} ${log.version}`,
      )
    }
  }
})

test('an entry for an envelope says nothing about an artifact', () => {
  const { keys, der } = certificateOf(instance)
  const signature = sign('sha256', artifact, keys.privateKey)
  const options = { signer: () => signature, certificate: { keys, der } }
  const bundle = signBundle(instance, { ...options, payload: null })
  const other = at(signBundle(instance, options), entry)
  assert.deepEqual(codes(check(edited(bundle, [entry, other]))), ['SIGSTORE_LOG_MISMATCH'])
})

/** The body of the entry, changed and promised again by the log: only its meaning is wrong. */
function rewritten(...edits: readonly Edit[]): readonly string[] {
  const bundle = signBundle(instance, {
    logs: [{ log: instance.v1, options: { proof: false } }],
    mediaType: old,
  })
  const body = Buffer.from(textAt(bundle, `${entry}.canonicalizedBody`), 'base64')
  const changed = bytesOf(edited(JSON.parse(body.toString()) as Json, ...edits))
  const time = signedAt.getTime() / 1000
  const promise = promiseOf(instance.v1, changed, time, Number(at(bundle, `${entry}.logIndex`)))
  return codes(
    check(
      edited(
        bundle,
        [`${entry}.canonicalizedBody`, base64(changed)],
        [`${entry}.inclusionPromise.signedEntryTimestamp`, base64(promise)],
        [
          'verificationMaterial.x509CertificateChain',
          { certificates: [at(bundle, 'verificationMaterial.certificate')] },
        ],
        ['verificationMaterial.certificate', gone],
      ),
    ),
  )
}
const old = 'application/vnd.dev.sigstore.bundle+json;version=0.1'

test('the body of an entry is of the kind that it is said to be, and of one that says something', () => {
  assert.deepEqual(rewritten(), [])
  assert.deepEqual(rewritten(['kind', 'rekord']), ['SIGSTORE_LOG_BODY'])
  const log = instance.v1
  const unheardOf = { log, options: {}, kind: 'rekord' as never }
  assert.deepEqual(refused({ logs: [unheardOf] }), ['SIGSTORE_LOG_BODY'])
  assert.deepEqual(rewritten(['apiVersion', '0.0.2']), ['SIGSTORE_LOG_BODY'])
  assert.deepEqual(refused({}, [`${entry}.kindVersion.kind`, 'intoto']), ['SIGSTORE_LOG_BODY'])
  assert.deepEqual(refused({}, [`${entry}.kindVersion.version`, '0.0.9']), ['SIGSTORE_LOG_BODY'])
})

test('the body of an entry is about one signature, whole and well-formed', () => {
  const list = (signatures: Json): Json => [...(signatures as Json[]), ...(signatures as Json[])]
  assert.deepEqual(rewritten(['spec.signatures', list]), ['SIGSTORE_LOG_BODY'])
  assert.deepEqual(rewritten(['spec.signatures', []]), ['SIGSTORE_LOG_BODY'])
  assert.deepEqual(rewritten(['spec.signatures.0.signature', '%']), ['SIGSTORE_LOG_BODY'])
  assert.deepEqual(rewritten(['spec.signatures.0.signature', gone]), ['SIGSTORE_LOG_BODY'])
  assert.deepEqual(rewritten(['spec.signatures.0.verifier', base64(Buffer.from('pem'))]), [
    'SIGSTORE_LOG_BODY',
  ])
  assert.deepEqual(rewritten(['spec.payloadHash.algorithm', 'sha1']), ['SIGSTORE_LOG_BODY'])
  assert.deepEqual(rewritten(['spec.payloadHash.value', 'AB']), ['SIGSTORE_LOG_BODY'])
  assert.deepEqual(rewritten(['spec', 'dsse']), ['SIGSTORE_LOG_BODY'])
})

test('an entry that writes down another way of signing is about another signature', () => {
  const found = (keyDetails: string) => refused({ ...v2, keyDetails })
  assert.deepEqual(found('PKIX_ECDSA_P384_SHA_384'), ['SIGSTORE_LOG_MISMATCH'])
  assert.deepEqual(found('PKIX_FUTURE'), ['SIGSTORE_LOG_BODY'])
  const keys = ecKeys('P-384')
  const options = { ...v2, certificate: { keys }, payload: null }
  const sha384 = { ...options, hash: 'sha384', keyDetails: 'PKIX_ECDSA_P384_SHA_384' } as const
  assert.deepEqual(refused(sha384), [])
  assert.deepEqual(refused({ ...sha384, keyDetails: 'PKIX_ECDSA_P384_SHA_256' }), [
    'SIGSTORE_SIGNATURE',
  ])
})

test('a proof leads to the root of the checkpoint that the log has signed', () => {
  for (const options of [{}, v2]) {
    const flipped: Edit = [`${proof}.hashes.0`, base64(Buffer.alloc(32))]
    assert.deepEqual(refused(options, flipped), ['SIGSTORE_LOG_PROOF'])
    assert.deepEqual(refused(options, [`${proof}.hashes.0`, gone]), ['SIGSTORE_LOG_PROOF'])
    assert.deepEqual(refused(options, [`${proof}.logIndex`, '4']), ['SIGSTORE_LOG_PROOF'])
    assert.deepEqual(refused(options, [`${proof}.logIndex`, '900']), ['SIGSTORE_LOG_PROOF'])
    assert.deepEqual(refused(options, [`${proof}.treeSize`, '10']), ['SIGSTORE_LOG_PROOF'])
    assert.deepEqual(refused(options, [`${proof}.rootHash`, base64(Buffer.alloc(32))]), [
      'SIGSTORE_LOG_PROOF',
    ])
    const other = at(signBundle(instance, options), proof)
    assert.deepEqual(refused(options, [proof, other]), ['SIGSTORE_LOG_PROOF'])
  }
})

test('a proof to a root that nobody has signed is no proof', () => {
  const bundle = signBundle(instance, {
    logs: [{ log: instance.v1, options: { promise: false } }],
    timestamps: [{}],
    mediaType: old,
  })
  const chain = { certificates: [at(bundle, 'verificationMaterial.certificate')] }
  const bare = edited(
    bundle,
    ['verificationMaterial.x509CertificateChain', chain],
    ['verificationMaterial.certificate', gone],
    [`${proof}.checkpoint`, gone],
  )
  assert.deepEqual(codes(check(bare)), ['SIGSTORE_LOG_PROOF'])
})

/** A bundle whose checkpoint is another note over the same tree. */
function noted(write: (size: number, root: Buffer) => string): readonly string[] {
  const bundle = signBundle(instance, v2)
  const size = Number(at(bundle, `${proof}.treeSize`))
  const root = Buffer.from(textAt(bundle, `${proof}.rootHash`), 'base64')
  return codes(check(edited(bundle, [`${proof}.checkpoint.envelope`, write(size, root)])))
}

test('a checkpoint is of the log: its name, its key, its origin', () => {
  const { v2: log } = instance
  assert.deepEqual(
    noted((size, root) => checkpointOf(log, size, root)),
    [],
  )
  const impostor = { ...rekorV2(log.baseUrl), logId: log.logId }
  assert.deepEqual(
    noted((size, root) => checkpointOf(impostor, size, root)),
    ['SIGSTORE_LOG_CHECKPOINT'],
  )
  assert.deepEqual(
    noted((size, root) => checkpointOf(rekorV2(), size, root)),
    ['SIGSTORE_LOG_CHECKPOINT'],
  )
  for (const origin of [
    'other.test',
    'log2026.rekor.test.evil',
    'log2026.rekor.test - x',
    'log2026.rekor.test - ',
  ]) {
    assert.deepEqual(
      noted((size, root) => checkpointOf(log, size, root, origin)),
      ['SIGSTORE_LOG_CHECKPOINT'],
      origin,
    )
  }
  const renamed = noted((size, root) => {
    const text = `log2026.rekor.test\n${size}\n${base64(root)}\n`
    return `${text}\n${signatureLine(log, text, 'rekor.test')}`
  })
  assert.deepEqual(renamed, ['SIGSTORE_LOG_CHECKPOINT'])
})

test('signatures by others on a checkpoint are ignored; a false one in the name of the log is not', () => {
  const { v2: log } = instance
  const witness = signatureLine(rekorV2('https://witness.test'), 'whatever')
  const sameName = signatureLine(rekorV2(log.baseUrl), 'whatever')
  assert.deepEqual(
    noted((size, root) => checkpointOf(log, size, root) + witness + sameName),
    [],
  )
  const often = noted((size, root) => {
    const note = checkpointOf(log, size, root)
    const text = note.slice(0, note.lastIndexOf('\n\n') + 1)
    return note + signatureLine(log, text).repeat(2)
  })
  assert.deepEqual(often, ['SIGSTORE_LOG_CHECKPOINT'])
  const lie = signatureLine(log, 'another text\n')
  assert.deepEqual(
    noted((size, root) => checkpointOf(log, size, root) + lie),
    ['SIGSTORE_LOG_CHECKPOINT'],
  )
  assert.deepEqual(
    noted((size, root) => lie.repeat(50) + checkpointOf(log, size, root)),
    ['SIGSTORE_LOG_CHECKPOINT'],
  )
})

test('a checkpoint without origin, size or root is refused', () => {
  const { v2: log } = instance
  for (const cut of [0, 1, 2]) {
    const found = noted((size, root) => {
      const lines = ['log2026.rekor.test', String(size), base64(root)]
      lines.splice(cut, 1)
      const text = `${lines.join('\n')}\n`
      return `${text}\n${signatureLine(log, text)}`
    })
    assert.deepEqual(found, ['SIGSTORE_LOG_CHECKPOINT'])
  }
  assert.deepEqual(
    noted(() => 'no note'),
    ['SIGSTORE_LOG_CHECKPOINT'],
  )
})

test('a promise and a proof are both right', () => {
  const bad: Edit = [`${proof}.hashes.0`, base64(Buffer.alloc(32))]
  assert.deepEqual(refused({}, bad), ['SIGSTORE_LOG_PROOF'])
  const promise = at(signBundle(instance), `${entry}.inclusionPromise`)
  assert.deepEqual(refused({}, [`${entry}.inclusionPromise`, promise]), ['SIGSTORE_LOG_PROMISE'])
})

test('a false entry refuses the bundle, however many true ones there are', () => {
  const options = { logs: [{ log: instance.v1 }, { log: instance.v2 }] }
  const bad: Edit = [
    'verificationMaterial.tlogEntries.1.inclusionProof.hashes.0',
    base64(Buffer.alloc(32)),
  ]
  assert.deepEqual(refused(options), [])
  assert.deepEqual(refused(options, bad), ['SIGSTORE_LOG_PROOF'])
})

test('copies of one entry or time stamp do not count twice: they refuse the bundle', () => {
  const twice = (list: Json): Json => [...(list as Json[]), ...(list as Json[])]
  assert.deepEqual(refused({}, ['verificationMaterial.tlogEntries', twice]), ['SIGSTORE_LOG_COPY'])
  assert.deepEqual(refused(v2, [stamps, twice]), ['SIGSTORE_LOG_COPY'])
  const renumbered: Edit = ['verificationMaterial.tlogEntries.1.logIndex', '5']
  const copied = refused(v2, ['verificationMaterial.tlogEntries', twice], renumbered)
  assert.deepEqual(copied, ['SIGSTORE_LOG_COPY'])
})

test('logs count by who runs them', () => {
  const bundle = signBundle(instance, { logs: [{ log: instance.v1 }, { log: instance.v2 }] })
  const thresholds = { logs: 2 }
  proven(check(bundle, { thresholds }))
  const operated: readonly Edit[] = [
    ['mediaType', 'application/vnd.dev.sigstore.trustedroot.v0.2+json'],
    ['tlogs.0.operator', 'acme.test'],
    ['tlogs.1.operator', 'acme.test'],
  ]
  const trustedRoot = rootOf(instance, ...operated)
  const found = codes(check(bundle, { thresholds, signer: { ...signer, trustedRoot } }))
  assert.deepEqual(found, ['SIGSTORE_LOG_MISSING'])
  const two = [
    { log: instance.v1, kind: 'dsse' },
    { log: instance.v1, kind: 'intoto' },
  ] as const
  const inOne = codes(check(signBundle(instance, { logs: two }), { thresholds }))
  assert.deepEqual(inOne, ['SIGSTORE_LOG_MISSING'])
})
