// Cold Sigstore bundles: each is parsed and verified as if it had never been seen. Nothing of a bundle is remembered; the
// links inside the chains of the trusted root are verified once, when the root is read, and not again for each bundle.
// Counted per second of processor time, so that the number is that of one core, whatever else the machine does.
import { generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TrustedRoot as StockRoot } from '@sigstore/protobuf-specs'
import { bundleFromJSON } from '@sigstore/bundle'
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify'
import { parseTrustedRoot } from '../src/core/trust/sigstore/root/parse.ts'
import {
  artifact,
  bytesOf,
  createInstance,
  rootJson,
  signBundle,
  type Instance,
  type SignOptions,
} from '../src/core/trust/sigstore/testing/instance.ts'
import { verifySigstoreBundle } from '../src/core/trust/sigstore/verify.ts'
import { perSecond, print, type Row } from './report.ts'

/** Verifications inside one bundle that nobody can do without. */
interface Needed {
  readonly 'P-256': number
  readonly 'P-384': number
  readonly ed25519: number
}

const count = 40
const rounds = 5
const raw = {
  'P-256': rawEc('P-256', 'sha256'),
  'P-384': rawEc('P-384', 'sha384'),
  ed25519: rawEd25519(),
}

const own = createInstance('P-256')
const like = createInstance('P-384')
const v1 = {}
const v2 = (instance: Instance): SignOptions => ({ logs: [{ log: instance.v2 }], timestamps: [{}] })

print('Sigstore: cold bundles, one core', [
  measured('own instance (P-256), Rekor v1', own, v1, { 'P-256': 5, 'P-384': 0, ed25519: 0 }),
  measured('own instance (P-256), Rekor v2, time stamp', own, v2(own), {
    'P-256': 4,
    'P-384': 0,
    ed25519: 1,
  }),
  measured('as public-good (P-384), Rekor v1', like, v1, { 'P-256': 4, 'P-384': 1, ed25519: 0 }),
  measured('as public-good (P-384), Rekor v2, time stamp', like, v2(like), {
    'P-256': 2,
    'P-384': 2,
    ed25519: 1,
  }),
  ...realBundles(),
])

function measured(what: string, instance: Instance, options: SignOptions, needed: Needed): Row {
  const bundles = Array.from({ length: count }, () => bytesOf(signBundle(instance, options)))
  return row(what, bundles, bytesOf(rootJson(instance)), needed)
}

function row(what: string, bundles: readonly Buffer[], root: Buffer, needed: Needed): Row {
  const trustedRoot = parseTrustedRoot(root, { file: 'trusted_root.json' })
  const signer = { trustedRoot, identities: 'anyIdentityUnsafe' } as const
  const ours = best(bundles, (bundle) => {
    const result = verifySigstoreBundle({ bundle, artifact: 'anyArtifactUnsafe', signer })
    if (result.kind === 'rejection') throw new Error(JSON.stringify(result.problems))
  })
  const stock = best(bundles.slice(0, 10), stockVerifier(root))
  const floor = best([needed], spend)
  return {
    what,
    ours: `${perSecond(ours)} (stock ${perSecond(stock)}, ${(ours / stock).toFixed(1)} times)`,
    limit: `${perSecond(floor)} by its ${needed['P-256']} P-256, ${needed['P-384']} P-384, ${needed.ed25519} Ed25519 verifications alone (${Math.round((100 * ours) / floor)} %)`,
    bar: '>= 1,000/s',
  }
}

/** The real ones of the public-good instance, where they lie beside the project: Rekor v1, most of them provenance. */
function realBundles(): readonly Row[] {
  const folder = join(import.meta.dirname, '../../shared/data/bundles')
  if (!existsSync(folder)) return []
  const list = JSON.parse(readFileSync(join(folder, 'real-bundles.json'), 'utf8')) as RealBundle[]
  const chosen = list.filter(
    ({ root, content, tsa, identity, tlog }) =>
      root === 'public-good' &&
      content === 'dsse' &&
      tsa === 0 &&
      identity !== null &&
      tlog?.[0]?.endsWith('+proof') === true,
  )
  const bundles = chosen.slice(0, count).map(({ bundle }) => readFileSync(join(folder, bundle)))
  const root = readFileSync(join(folder, 'roots/public-good.trusted_root.json'))
  const needed = { 'P-256': 4, 'P-384': 1, ed25519: 0 }
  return [row(`${bundles.length} real ones of public-good, Rekor v1`, bundles, root, needed)]
}

interface RealBundle {
  readonly bundle: string
  readonly root: string
  readonly content: string
  readonly tsa: number | null
  readonly identity: string | null
  readonly tlog: readonly string[] | null
}

function stockVerifier(root: Buffer): (bundle: Buffer) => void {
  const material = toTrustMaterial(StockRoot.fromJSON(JSON.parse(root.toString())))
  const verifier = new Verifier(material)
  return (bundle) => {
    verifier.verify(toSignedEntity(bundleFromJSON(JSON.parse(bundle.toString())), artifact))
  }
}

/** How often per second of processor time; the best of several rounds, after one that does not count. */
function best<T>(items: readonly T[], once: (item: T) => void): number {
  let fastest = 0
  for (let round = 0; round <= rounds; round += 1) {
    let [calls, used] = [0, 0]
    while (used < 150_000) {
      const before = processorTime()
      for (const item of items) once(item)
      used += processorTime() - before
      calls += items.length
    }
    if (round > 0) fastest = Math.max(fastest, (calls * 1_000_000) / used)
  }
  return fastest
}

function processorTime(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

function spend(needed: Needed): void {
  for (const kind of ['P-256', 'P-384', 'ed25519'] as const) {
    for (let times = 0; times < needed[kind]; times += 1) raw[kind]()
  }
}

function rawEc(namedCurve: string, hash: string): () => boolean {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve })
  const message = randomBytes(1000)
  const signature = sign(hash, message, privateKey)
  return () => verify(hash, message, publicKey, signature)
}

function rawEd25519(): () => boolean {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const message = randomBytes(1000)
  const signature = sign(null, message, privateKey)
  return () => verify(null, message, publicKey, signature)
}
