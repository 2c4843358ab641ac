import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  bundleOf,
  encodeBundle,
  encodeEnvelope,
  encodeStatement,
  inTotoPayloadType,
  pae,
  provenanceStatement,
  type Envelope,
  type Statement,
} from '#attestation'

/** An artifact with provenance, signed as Sallyport signs: files that a peer is asked to accept. */
export interface SignedArtifact extends Disposable {
  readonly artifact: string
  readonly publicKeyFile: string
  readonly bundleFile: string
  readonly envelopeFile: string
  readonly publicKey: KeyObject
  readonly keyid: string
  readonly statement: Statement
  readonly envelope: Envelope
  readonly bundle: Uint8Array
  /** A file in the same folder with other content. */
  write(name: string, content: Uint8Array | string): string
}

export function signedArtifact(): SignedArtifact {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-peer-'))
  const write = (name: string, content: Uint8Array | string): string => {
    const file = join(folder, name)
    writeFileSync(file, content)
    return file
  }
  const content = 'the artifact of a peer test\n'
  const statement = provenanceOf(content)
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const keyid = createHash('sha256').update(spki).digest('hex')
  const payload = encodeStatement(statement)
  const sig = sign('sha256', pae(inTotoPayloadType, payload), privateKey)
  const envelope = { payloadType: inTotoPayloadType, payload, signatures: [{ keyid, sig }] }
  const bundle = encodeBundle(bundleOf(envelope, keyid))
  return {
    artifact: write('shop-1.0.tgz', content),
    publicKeyFile: write('key.pem', publicKey.export({ type: 'spki', format: 'pem' })),
    bundleFile: write('shop-1.0.tgz.sigstore.json', bundle),
    envelopeFile: write('shop-1.0.tgz.att', encodeEnvelope(envelope)),
    publicKey,
    keyid,
    statement,
    envelope,
    bundle,
    write,
    [Symbol.dispose]: () => {
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function provenanceOf(content: string): Statement {
  const hex = (algorithm: string): string => createHash(algorithm).update(content).digest('hex')
  const source = { uri: 'git+https://git.example/shop', digest: { gitCommit: hex('sha1') } }
  return provenanceStatement({
    subject: [{ name: 'shop-1.0.tgz', digest: { sha256: hex('sha256'), sha512: hex('sha512') } }],
    buildDefinition: {
      buildType: 'https://sallyport.dev/buildtypes/recipe/v1',
      externalParameters: { source: { uri: source.uri, ref: 'refs/heads/main' } },
      internalParameters: { steps: [{ id: 'build', run: [['npm', 'ci']] }] },
      resolvedDependencies: [source],
    },
    runDetails: {
      builder: {
        id: 'https://sallyport.dev/builders/workstation-measured/v1',
        version: { sallyport: '0.1.0' },
        builderDependencies: [],
      },
      metadata: {
        invocationId: 'peer',
        startedOn: '2026-01-01T00:00:00Z',
        finishedOn: '2026-01-01T00:01:00Z',
      },
      byproducts: [],
    },
  })
}
