// Run by install.test.ts, in a network of its own.
import assert from 'node:assert/strict'
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import { bundleType, pusherTo } from '../../src/evidence/testing/push.ts'
import { startTestRegistry, type TestRegistry } from '../../src/evidence/testing/registry.ts'
import { provenance } from '../scenarios/provenance.ts'
import { run, startCluster, type Cluster, type Said } from './api-server.ts'
import { startNode, type TestNode } from './node.ts'
import { podAddresses } from './own-network.ts'
import { until } from './processes.ts'
import { stepOf } from './typed.ts'
import { workloadTests } from './workloads.ts'

const root = resolve(import.meta.dirname, '../..')
const gateDigest = `sha256:${'7'.repeat(64)}`

let dir: string
let here: string
let cluster: Cluster
let registry: TestRegistry
let node: TestNode
let images: {
  readonly good: string
  readonly next: string
  readonly bad: string
  readonly tagged: string
}

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sallyport-install-'))
  here = join(dir, 'cluster-1')
  symlinkSync(root, join(dir, 'sallyport'))
  ;[cluster, registry] = await Promise.all([
    startCluster({ controllers: true }),
    startTestRegistry(),
  ])
  node = await startNode({
    cluster,
    folder: join(dir, 'node'),
    namespace: 'sallyport-system',
    addresses: podAddresses,
  })
})

after(async () => {
  await node?.stop()
  await registry?.close()
  await cluster?.stop()
  rmSync(dir, { recursive: true, force: true })
})

const kubectl = (...args: readonly string[]): Promise<Said> => cluster.kubectl(args)

function assertDone({ exit, stdout, stderr }: Said): void {
  assert.equal(exit, 0, `${stdout}${stderr}\n${node.output().slice(-3000)}`)
}

/** Types commands, as whoever follows the page does. */
async function type(t: TestContext, commands: string, at = here): Promise<Said> {
  const began = performance.now()
  const sallyport = /^sallyport\(\) .*$/m.exec(stepOf(0))?.[0] ?? ''
  const text = `cd "$1"\nexport KUBECONFIG="$2"\n${sallyport}\n${commands}`
  const args = ['-euc', text, 'sh', at, cluster.kubeconfig]
  const said = await run('sh', args, { cwd: dir, path: cluster.binaries })
  t.diagnostic(
    `took ${((performance.now() - began) / 1000).toFixed(1)} s: ${commands.split('\n')[0]}`,
  )
  return said
}

describe('installed as the page says', () => {
  test('0: a folder of one’s own', async (t) => {
    const [install, ...rest] = stepOf(0).split('\n')
    assert.equal(install, '(cd sallyport && npm ci)')
    assertDone(await type(t, rest.join('\n'), dir))
  })

  test('1: the digest of the image is written where it is used', async (t) => {
    const commands = stepOf(1)
    writeFileSync(join(here, 'image.digest'), gateDigest)
    assertDone(await type(t, commands.slice(commands.indexOf('sed '))))
    const written = readFileSync(join(here, 'image/kustomization.yaml'), 'utf8')
    assert.match(
      written,
      new RegExp(`newName: registry.example/sallyport\n    digest: ${gateDigest}\n`),
    )
  })

  test('2 and 3: keys, trust, policies and settings', async (t) => {
    assertDone(await type(t, stepOf(2)))
    const file = join(here, 'settings.yaml')
    // Images of the tests are in a registry of the tests, and are not approved by hand.
    const text = readFileSync(file, 'utf8')
      .replace('allow: [registry.example', `allow: ["${registry.host}"`)
      .replace('shop: { environment: production', 'shop: { environment: staging')
    assert.ok(text.includes(registry.host) && text.includes('environment: staging'), text)
    writeFileSync(file, text)
    images = await pushImages()
  })

  async function pushImages() {
    const push = pusherTo(registry.base, 'acme/shop')
    const place = `${registry.host}/acme/shop`
    const signed = async (name: string, ref: string): Promise<string> => {
      const pushed = await push.image(name)
      writeFileSync(join(dir, pushed.digest), pushed.bytes)
      await provenance([pushed.digest, 'home=cluster-1/home', `ref=refs/heads/${ref}`], dir)
      const bytes = readFileSync(join(dir, `${pushed.digest}.sigstore.jsonl`))
      await push.referrer(pushed, bundleType, [{ mediaType: bundleType, bytes }])
      return `${place}@sha256:${pushed.digest}`
    }
    const { digest } = await push.image('bad', '0.9')
    return {
      good: await signed('good', 'old'),
      next: await signed('next', 'main'),
      bad: `${place}@sha256:${digest}`,
      tagged: `${place}:0.9`,
    }
  }

  test('4: the gate runs', async (t) => {
    for (const line of stepOf(4).trim().split('\n')) assertDone(await type(t, line))
  })

  test('5: the API server proves who it is', async (t) => {
    const began = performance.now()
    const pki = join(dir, 'pki')
    cpSync(join(here, 'api-server'), pki, { recursive: true })
    for (const name of ['client.crt', 'client.key'])
      cpSync(join(here, 'certificates', name), join(pki, name))
    for (const name of readdirSync(pki)) {
      const text = readFileSync(join(pki, name), 'utf8')
      writeFileSync(join(pki, name), text.replaceAll('/etc/kubernetes/pki/sallyport', pki))
    }
    assert.equal(
      stepOf(5).trim(),
      '--admission-control-config-file=/etc/kubernetes/pki/sallyport/admission.yaml',
    )
    await cluster.restart(pki)
    t.diagnostic(`took ${((performance.now() - began) / 1000).toFixed(1)} s: the API server, again`)
  })

  test('6: the webhook, and from here on nothing runs without the gate', async (t) => {
    assertDone(await kubectl('create', 'namespace', 'shop'))
    const account = ['get', 'serviceaccount', 'default', '-n', 'shop']
    await until('there is an account', async () => (await kubectl(...account)).exit === 0)
    assertDone(await type(t, stepOf(6)))
  })

  test('7: the only way around it is the namespace that is only watched', async (t) => {
    const [line = ''] = stepOf(7).split('\n')
    const { exit, stdout } = await type(t, line)
    const open = stdout.split('\n').filter((text) => text.startsWith('OPEN'))
    assert.deepEqual([exit, open.length], [1, 1], stdout)
    assert.match(open[0] ?? '', /pods in kube-system .*admitted-audit/)
    // What the cluster itself runs is named by tags.
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'dns', namespace: 'kube-system' },
    }
    const spec = { containers: [{ name: 'dns', image: images.tagged }] }
    const said = await cluster.kubectl(['apply', '-f', '-'], { ...pod, spec })
    assertDone(said)
    assert.match(said.stderr, /Warning: .*ADMISSION_UNPINNED, admitted-audit: .*@sha256:/)
    assert.match(said.stderr, /Warning: .*DENY, admitted-audit: PROVENANCE_MISSING/)
  })
})

describe('workloads', () => {
  const publish = async (): Promise<void> => {
    const line =
      stepOf(4)
        .split('\n')
        .find((text) => text.startsWith('./prepare.sh')) ?? ''
    const args = ['-euc', line, 'sh']
    assertDone(
      await run('sh', args, {
        cwd: here,
        path: cluster.binaries,
        env: { KUBECONFIG: cluster.kubeconfig },
      }),
    )
  }
  workloadTests(() => ({ cluster, images, publish, home: join(here, 'home') }))
})

test('every answer is in the log on the volume, which verifies and replays', async (t) => {
  const volume = join(dir, 'node/claim-sallyport-state')
  const at = join(dir, 'verified')
  cpSync(join(here, 'home'), at, { recursive: true })
  const settings = ['-n', 'sallyport-system', 'get', 'configmap', 'sallyport-config', '-o']
  const { stdout } = await kubectl(...settings, 'jsonpath={.data.sallyport\\.yaml}')
  const text = stdout
    .replaceAll('/var/lib/sallyport', volume)
    .replace('/etc/sallyport-policies', join(at, 'policies'))
  writeFileSync(join(at, 'sallyport.yaml'), text)
  for (const work of ['verify', 'replay'])
    assertDone(await type(t, `sallyport log ${work} --home ${at}`))
})
