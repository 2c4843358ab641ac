// Done-when 6 of the second issue at the real command line: registries that are down, slow, odd or hostile. Each answer is
// UNDETERMINED or DENY, or what the policy of the target chose for outages, with the dependency named; never a yes for bad
// evidence, never a hang.
import assert from 'node:assert/strict'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { commitFault, faults, type Fault } from '../../src/evidence/testing/faults.ts'
import { bundleType, pusherTo, type Pushed } from '../../src/evidence/testing/push.ts'
import { startTestRegistry, type TestRegistry } from '../../src/evidence/testing/registry.ts'
import { home } from './home-folder.ts'
import { runInProcess, type Said } from './in-process.ts'
import { provenance } from './provenance.ts'

let dir = ''
let registry: TestRegistry
/** One for each thing that can go wrong; the image in it is the same. */
const unwell = new Map<Fault, TestRegistry>()
let image: Pushed
let bundle: Uint8Array
/** A store of attestations: `/evidence/sha256/HEX`. Below `/FAULT/` it goes wrong in that way. */
let store: Server
let storeBase = ''

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sallyport-sources-'))
  await home([], dir)
  registry = await startTestRegistry()
  image = await pusherTo(registry.base, 'acme/shop').image('shop', '1.0')
  bundle = await attest(image)
  for (const fault of faults) unwell.set(fault, await startTestRegistry())
  for (const { base } of [registry, ...unwell.values()]) {
    const push = pusherTo(base, 'acme/shop')
    await push.image('shop', '1.0')
    await push.referrer(image, bundleType, [{ mediaType: bundleType, bytes: bundle }])
  }
  for (const [fault, one] of unwell) one.fault(/^\/v2\//, fault)
  await startStore()
  const policy = readFileSync(join(dir, '.sallyport/policies/staging.yaml'), 'utf8')
  writeFileSync(deny(), policy)
  writeFileSync(allow(), policy.replace('whenUnavailable: deny', 'whenUnavailable: allow'))
  configureRegistries()
})

after(async () => {
  for (const one of [registry, ...unwell.values()]) await one?.close()
  store?.closeAllConnections()
  store?.close()
  rmSync(dir, { recursive: true, force: true })
})

const deny = (): string => join(dir, 'deny.yaml')
const allow = (): string => join(dir, 'allow.yaml')

async function startStore(): Promise<void> {
  store = createServer((request, response) => {
    response.on('error', () => undefined)
    const url = new URL(request.url ?? '/', storeBase)
    const fault = faults.find((one) => url.pathname.startsWith(`/${one}/`))
    if (fault !== undefined) return commitFault(fault, response, url)
    if (url.pathname === `/evidence/sha256/${image.digest}`) response.end(bundle)
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => store.listen(0, '127.0.0.1', resolve))
  storeBase = `http://127.0.0.1:${(store.address() as AddressInfo).port}`
}

/** What a build of exactly these bytes would have left. */
async function attest({ digest, bytes }: Pushed): Promise<Uint8Array> {
  writeFileSync(join(dir, digest), bytes)
  await provenance([digest], dir)
  const file = join(dir, `${digest}.sigstore.jsonl`)
  const text = readFileSync(file)
  rmSync(file)
  return text.subarray(0, -1)
}

/** Time for what answers, however busy this machine is; what hangs is waited for no longer than `impatience`. */
const patience = 20
const impatience = 0.6
let seconds = patience

/** Puts the section `evidence` of sallyport.yaml in place of the one before. */
function configure(...lines: readonly string[]): void {
  const file = join(dir, '.sallyport/sallyport.yaml')
  const [rest = ''] = readFileSync(file, 'utf8').split('\nevidence:')
  const section = [`timeoutSeconds: ${seconds}`, ...lines].map((line) => `\n  ${line}`).join('')
  writeFileSync(file, `${rest}\nevidence:${section}\n`)
}

/** Every registry of this test is on the list, so that its outages are not chosen by whoever asks. */
function configureRegistries(...more: readonly string[]): void {
  const hosts = [registry, ...unwell.values()].map(({ host }) => `"${host}"`)
  configure(`registries: {allow: [${[...hosts, ...more].join(', ')}]}`)
}

function verify(artifact: string, ...more: readonly string[]): Promise<Said> {
  const target = ['--environment', 'staging', '--service', 'shop']
  return runInProcess(['verify', artifact, ...target, '--json', ...more], { dir })
}

const at = (suffix: string): string => `oci://${registry.host}/acme/shop${suffix}`
const byDigest = (): string => at(`@sha256:${image.digest}`)
const answerOf = ({ exit, json: { decision } }: Said) => [exit, decision?.verdict, decision?.effect]

test('an image is allowed by the evidence in its registry, under tag and digest', async () => {
  for (const artifact of [at(':1.0'), byDigest(), at(`:1.0@sha256:${image.digest}`)]) {
    const said = await verify(artifact)
    assert.deepEqual(answerOf(said), [0, 'ALLOW', 'admitted'], said.stdout)
    assert.equal(said.json.decision?.request.artifact.digest['sha256'], image.digest)
    const [source] = said.json.decision?.inputs.sources ?? []
    assert.equal(source?.outcome, 'found')
    assert.match(source?.name ?? '', new RegExp(registry.host))
  }
})

test('a tag is resolved once, and the digest is shown', async () => {
  const said = await runInProcess(
    ['verify', at(':1.0'), '--environment', 'staging', '--service', 'shop'],
    { dir },
  )
  assert.equal(said.exit, 0, said.stderr)
  assert.match(said.stdout, new RegExp(`artifact +sha256:${image.digest}`))
  assert.match(said.stdout, /tag +1\.0, resolved once/)
  assert.match(said.stdout, /found +127\.0\.0\.1/)
})

test(
  'a registry that goes wrong is an outage with a name, and never a yes',
  { concurrency: 4 },
  async (t) => {
    seconds = impatience
    configureRegistries()
    const tests = [...unwell].map(([fault, { host }]) =>
      t.test(fault, async () => {
        const artifact = `oci://${host}/acme/shop@sha256:${image.digest}`
        const denied = await verify(artifact, '--policy', deny())
        assert.deepEqual(answerOf(denied), [3, 'UNDETERMINED', 'blocked'], denied.stdout)
        const { reasons = [] } = denied.json.decision ?? {}
        const reason = reasons.find(({ code }) => code === 'EVIDENCE_UNAVAILABLE')
        assert.match(`${reason?.where} ${reason?.found}`, new RegExp(host))
        const chosen = await verify(artifact, '--policy', allow())
        assert.deepEqual(
          answerOf(chosen),
          [0, 'UNDETERMINED', 'admitted-unavailable'],
          chosen.stdout,
        )
      }),
    )
    await Promise.all(tests)
    seconds = patience
    configureRegistries()
  },
)

test(
  'a tag that cannot be resolved is no artifact, whatever a policy says about outages',
  { concurrency: 4 },
  async (t) => {
    seconds = impatience
    configureRegistries()
    const few: readonly Fault[] = ['hang', 'garbage', 'error']
    await Promise.all(
      few.map((fault) =>
        t.test(fault, async () => {
          const { host } = unwell.get(fault) ?? registry
          assertNotAsked(await verify(`oci://${host}/acme/shop:1.0`, '--policy', allow()), host)
        }),
      ),
    )
    seconds = patience
    configureRegistries()
  },
)

test('a tag that leads to other bytes is another artifact, about which nothing is known', async () => {
  const { host } = unwell.get('wrong-digest') ?? registry
  const said = await verify(`oci://${host}/acme/shop:1.0`, '--policy', deny())
  assert.deepEqual(answerOf(said), [3, 'UNDETERMINED', 'blocked'])
  assert.notEqual(digestOf(said), image.digest)
})

test('stores that go wrong are outages with names, and never a yes', async () => {
  const artifact = `sha256:${image.digest}`
  // Of bytes that no digest was promised for, a store can say anything: that is evidence to be refused.
  const bad = [
    'hang',
    'slow',
    'garbage',
    'error',
    'forbidden',
    'loop',
    'huge',
    'truncated',
  ] as const
  seconds = impatience
  configure(`stores: [${bad.map((fault) => `"${storeBase}/${fault}"`).join(', ')}]`)
  const denied = await verify(artifact, '--policy', deny())
  assert.deepEqual(answerOf(denied), [3, 'UNDETERMINED', 'blocked'], denied.stdout)
  const sources = denied.json.decision?.inputs.sources ?? []
  assert.deepEqual(
    sources.map(({ name, outcome }) => `${name} ${outcome}`),
    bad.map((fault) => `${storeBase}/${fault} unavailable`),
  )
  const chosen = await verify(artifact, '--policy', allow())
  assert.deepEqual(answerOf(chosen), [0, 'UNDETERMINED', 'admitted-unavailable'])
  // What is found elsewhere is not lost.
  seconds = patience
  configure(`stores: ["${storeBase}/error", "${storeBase}/evidence"]`)
  const found = await verify(artifact, '--policy', deny())
  assert.deepEqual(answerOf(found), [0, 'ALLOW', 'admitted'], found.stdout)
  configureRegistries()
})

function digestOf({ json: { decision } }: Said): string | undefined {
  return decision?.request.artifact.digest['sha256']
}

/** Nothing was decided, because there was nothing to decide about; whose fault that is stands there. */
function assertNotAsked({ exit, json, stdout }: Said, host: string): void {
  assert.equal(exit, 3, stdout)
  assert.equal(json.kind, 'Problems')
  const [problem] = json.problems ?? []
  assert.equal(problem?.code, 'EVIDENCE_SOURCE_UNAVAILABLE')
  assert.match(`${problem?.where}`, new RegExp(host))
}

test('a registry that is gone is an outage with a name', async () => {
  const gone = await startTestRegistry()
  const { host } = gone
  await gone.close()
  configureRegistries(`"${host}"`)
  const artifact = `oci://${host}/acme/shop@sha256:${image.digest}`
  const denied = await verify(artifact, '--policy', deny())
  assert.deepEqual(answerOf(denied), [3, 'UNDETERMINED', 'blocked'])
  assert.match(denied.stdout, new RegExp(host))
  assertNotAsked(await verify(`oci://${host}/acme/shop:1.0`), host)
  configureRegistries()
})

test('whoever asks cannot choose an outage, where a policy lets outages through', async () => {
  const gone = await startTestRegistry()
  await gone.close()
  const artifact = `oci://${gone.host}/evil/shop@sha256:${image.digest}`
  configure('directories: []')
  assertNotAsked(await verify(artifact, '--policy', allow()), gone.host)
  const denied = await verify(artifact, '--policy', deny())
  assert.deepEqual(answerOf(denied), [3, 'UNDETERMINED', 'blocked'])
  const named = ['--evidence', `http://${gone.host}/store`, '--policy', allow()]
  assertNotAsked(await verify(`sha256:${image.digest}`, ...named), gone.host)
  // With a list there is no other registry: it is not asked at all, and so it is a no and not an outage.
  configureRegistries()
  const other = await verify(artifact, '--policy', allow())
  assert.equal(other.exit, 2, other.stdout)
  assert.equal(other.json.problems?.[0]?.code, 'EVIDENCE_REGISTRY_NOT_ALLOWED')
})

test('evidence that was altered is a no, also where outages are let through', async () => {
  const push = pusherTo(registry.base, 'acme/altered')
  const other = await push.image('altered')
  const text = Buffer.from(await attest(other)).toString()
  const altered = text.replace(/"sig":"(.{20})(.)/, (_, before: string, one: string) => {
    return `"sig":"${before}${one === 'A' ? 'B' : 'A'}`
  })
  assert.notEqual(altered, text)
  await push.referrer(other, bundleType, [{ mediaType: bundleType, bytes: Buffer.from(altered) }])
  const artifact = `oci://${registry.host}/acme/altered@sha256:${other.digest}`
  const said = await verify(artifact, '--policy', allow())
  assert.deepEqual(answerOf(said), [1, 'DENY', 'blocked'])
  assert.match(said.stdout, /SIGNATURE_INVALID/)
  // Evidence of another image is no evidence of this one.
  await push.referrer(other, bundleType, [{ mediaType: bundleType, bytes: bundle }])
  assert.deepEqual(answerOf(await verify(artifact, '--policy', allow())), [1, 'DENY', 'blocked'])
})

test('an image without evidence is a no, also where outages are let through', async () => {
  const bare = await pusherTo(registry.base, 'acme/bare').image('bare', '1.0')
  const said = await verify(`oci://${registry.host}/acme/bare:1.0`, '--policy', allow())
  assert.equal(digestOf(said), bare.digest)
  assert.deepEqual(answerOf(said), [1, 'DENY', 'blocked'])
  assert.match(said.stdout, /PROVENANCE_MISSING/)
})

test('a tag or a repository that is not there is a mistake of who named it', async () => {
  for (const artifact of [at(':9'), `oci://${registry.host}/acme/none:1.0`]) {
    const said = await verify(artifact)
    assert.equal(said.exit, 2)
    assert.equal(said.json.problems?.[0]?.code, 'EVIDENCE_ARTIFACT_MISSING')
  }
})

test('a digest is decided about with evidence from files, folders and stores', async () => {
  const artifact = `sha256:${image.digest}`
  writeFileSync(join(dir, 'bundle.jsonl'), bundle)
  mkdirSync(join(dir, 'attestations'), { recursive: true })
  writeFileSync(join(dir, 'attestations', `${image.digest}.jsonl`), bundle)
  configure('directories: []')
  assert.deepEqual(answerOf(await verify(artifact)), [1, 'DENY', 'blocked'])
  const ways = [
    ['--bundle', join(dir, 'bundle.jsonl')],
    ['--evidence', join(dir, 'attestations')],
    ['--evidence', `${storeBase}/evidence`],
  ]
  for (const way of ways) {
    const said = await verify(artifact, ...way)
    assert.deepEqual(answerOf(said), [0, 'ALLOW', 'admitted'], said.stdout)
  }
  renameSync(join(dir, 'attestations'), join(dir, '.sallyport/attestations'))
  configure('directories: [attestations]', `stores: ["${storeBase}/evidence"]`)
  const said = await verify(artifact)
  assert.deepEqual(answerOf(said), [0, 'ALLOW', 'admitted'], said.stdout)
  assert.deepEqual(
    said.json.decision?.inputs.sources.map(({ outcome }) => outcome),
    ['found', 'found'],
  )
  configureRegistries()
})

test('what was decided about images is decided again byte for byte, without the registry', async () => {
  registry.fault(/^\/v2\//, 'error')
  try {
    const said = await runInProcess(['log', 'replay', '--json'], { dir })
    assert.equal(said.exit, 0, said.stdout)
    assert.equal(said.json['same'], true)
  } finally {
    registry.heal()
  }
})

test('an authority file that holds no certificate is a mistake of the configuration, and no outage', async () => {
  appendFileSync(join(dir, '.sallyport/ca.pem'), 'no certificate\n')
  configure(`registries: {allow: ["${registry.host}"], ca: ca.pem}`)
  const said = await verify(byDigest(), '--policy', allow())
  assert.equal(said.exit, 2, said.stdout)
  assert.equal(said.json.problems?.[0]?.code, 'CONFIG_CA')
})
