// Bundles that others made, where they lie beside the project.
import assert from 'node:assert/strict'
import { createPublicKey, hash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Artifact } from '../../src/core/trust/sigstore/artifact.ts'
import type { SigstoreOptions } from '../../src/core/trust/sigstore/options.ts'
import type { SigstoreResult } from '../../src/core/trust/sigstore/result.ts'
import { parseTrustedRoot } from '../../src/core/trust/sigstore/root/parse.ts'
import type { TrustedRoot } from '../../src/core/trust/sigstore/root/trusted-root.ts'
import { stockAccepts } from '../../src/core/trust/sigstore/testing/stock.ts'
import { verifySigstoreBundle } from '../../src/core/trust/sigstore/verify.ts'

const data = join(import.meta.dirname, '../../../shared/data')
const skip = existsSync(data) ? false : 'skipped: no ../shared'
const roots = new Map<string, TrustedRoot>()

function rootAt(file: string): TrustedRoot {
  const known = roots.get(file)
  if (known !== undefined) return known
  const root = parseTrustedRoot(readFileSync(file), { file })
  roots.set(file, root)
  return root
}

interface RealBundle {
  readonly id: string
  readonly bundle: string
  readonly trusted_root: string
  readonly identity: string | null
  readonly issuer: string | null
  readonly key_file?: string
  readonly digest: string | null
  readonly other_digest?: string | null
}

test('every real bundle is accepted', { skip }, () => {
  const folder = join(data, 'bundles')
  const rows = JSON.parse(readFileSync(join(folder, 'real-bundles.json'), 'utf8')) as RealBundle[]
  const refused = rows.flatMap((row) => {
    const bundle = readFileSync(join(folder, row.bundle))
    const root = rootAt(join(folder, row.trusted_root))
    const artifact = artifactOf(row, bundle)
    const result = verifySigstoreBundle({ bundle, artifact, signer: signerOf(row, folder, root) })
    return result.kind === 'verified' ? [] : [{ id: row.id, problems: result.problems }]
  })
  assert.deepEqual(refused, [])
  assert.ok(rows.length > 0)
})

test('no real bundle is accepted for another artifact, identity or root', { skip }, () => {
  const folder = join(data, 'bundles')
  const rows = JSON.parse(readFileSync(join(folder, 'real-bundles.json'), 'utf8')) as RealBundle[]
  for (const row of rows.filter(({ digest, other_digest }) => (digest ?? other_digest) !== null)) {
    const bundle = readFileSync(join(folder, row.bundle))
    const root = rootAt(join(folder, row.trusted_root))
    const right = { bundle, artifact: artifactOf(row, bundle), signer: signerOf(row, folder, root) }
    const digest = { sha256: '0'.repeat(64), sha512: '0'.repeat(128) }
    const wrong: SigstoreOptions[] = [{ ...right, artifact: { digest } }]
    if (row.identity !== null && row.issuer !== null) {
      const { identity: subject, issuer } = row
      const by = (who: { issuer: string; subject: string }) => ({
        trustedRoot: root,
        identities: [who],
      })
      wrong.push({ ...right, signer: by({ issuer, subject: `${subject} ` }) })
      wrong.push({ ...right, signer: by({ issuer: `${issuer}/`, subject }) })
      const empty = {
        ...root,
        tlogs: [],
        certificateAuthorities: [],
        ctlogs: [],
        timestampAuthorities: [],
      }
      wrong.push({ ...right, signer: { trustedRoot: empty, identities: [{ issuer, subject }] } })
    }
    for (const options of wrong)
      assert.equal(verifySigstoreBundle(options).kind, 'rejection', row.id)
  }
})

const beacon = {
  subject:
    'https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main',
  issuer: 'https://token.actions.githubusercontent.com',
}

const cases = skip === false ? folders(join(data, 'sigstore-conformance')) : []

for (const name of cases) {
  test(`sigstore-conformance: ${name}`, { skip }, () => {
    const { byFile, byDigest } = conformance(name)
    const expected = name.endsWith('_fail') ? 'rejection' : 'verified'
    assert.deepEqual([byFile.kind, byDigest.kind], [expected, expected])
  })
}

test(
  'what is accepted of the conformance suite is accepted by the stock verifier',
  { skip },
  () => {
    const base = join(data, 'sigstore-conformance')
    for (const name of cases.filter((one) => !existsSync(join(base, one, 'key.pub')))) {
      if (conformance(name).byFile.kind === 'rejection') continue
      const root = readFileSync(rootFileOf(join(base, name)))
      const bundle = readFileSync(join(base, name, 'bundle.sigstore.json'))
      const artifact = readFileSync(artifactFileOf(base, name))
      assert.ok(stockAccepts(bundle, root, { artifact }), name)
    }
  },
)

function conformance(name: string): {
  readonly byFile: SigstoreResult
  readonly byDigest: SigstoreResult
} {
  const base = join(data, 'sigstore-conformance')
  const folder = join(base, name)
  const bytes = readFileSync(artifactFileOf(base, name))
  const key = join(folder, 'key.pub')
  const trustedRoot = rootAt(rootFileOf(folder))
  const signer = existsSync(key)
    ? { publicKey: createPublicKey(readFileSync(key)), trustedRoot }
    : { trustedRoot, identities: [beacon] }
  const bundle = readFileSync(join(folder, 'bundle.sigstore.json'))
  const digest = { sha256: hash('sha256', bytes, 'hex') }
  return {
    byFile: verifySigstoreBundle({ bundle, artifact: { bytes }, signer }),
    byDigest: verifySigstoreBundle({ bundle, artifact: { digest }, signer }),
  }
}

function artifactFileOf(base: string, name: string): string {
  const own = join(base, name, 'artifact')
  return existsSync(own) ? own : join(base, 'a.txt')
}

function rootFileOf(folder: string): string {
  const own = join(folder, 'trusted_root.json')
  return existsSync(own) ? own : join(data, 'trust/public-good.trusted_root.json')
}

function signerOf(
  row: RealBundle,
  folder: string,
  trustedRoot: TrustedRoot,
): SigstoreOptions['signer'] {
  if (row.key_file !== undefined) {
    return { publicKey: createPublicKey(readFileSync(join(folder, row.key_file))), trustedRoot }
  }
  const { identity: subject, issuer } = row
  const isKnown = subject !== null && issuer !== null
  return { trustedRoot, identities: isKnown ? [{ issuer, subject }] : 'anyIdentityUnsafe' }
}

/** The digest that the catalogue names; else the one that the signer wrote down, or none for what is about no artifact. */
function artifactOf(row: RealBundle, bundle: Uint8Array): Artifact | 'anyArtifactUnsafe' {
  const [algorithm, hex] = (row.digest ?? row.other_digest ?? '').split(':')
  if (algorithm !== undefined && hex !== undefined) return { digest: { [algorithm]: hex } }
  const { messageSignature } = JSON.parse(Buffer.from(bundle).toString()) as {
    messageSignature?: { messageDigest: { algorithm: string; digest: string } }
  }
  if (messageSignature === undefined) return 'anyArtifactUnsafe'
  const { algorithm: name, digest } = messageSignature.messageDigest
  return {
    digest: { [name.replace('SHA2_', 'sha')]: Buffer.from(digest, 'base64').toString('hex') },
  }
}

function folders(path: string): readonly string[] {
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
}
