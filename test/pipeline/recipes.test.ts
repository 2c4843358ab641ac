// Recipes of docs/ci.md as they stand there, with the real programs: what is let in arrives whole, and nothing else does.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { logShow } from '#app'
import { loadConfig } from '#config'
import { sha256Hex } from '#document'
import { whyNoRegistry } from '../registry/real-registry.ts'
import { runMain } from '../scenarios/main.ts'
import { provenance } from '../scenarios/provenance.ts'
import { makeHome, startPromotion } from './promotion.ts'
import { recipe } from './recipe.ts'

const dir = mkdtempSync(join(tmpdir(), 'sallyport-recipes-'))
const isHere = (program: string, argument = '--version'): boolean =>
  spawnSync(program, [argument]).status === 0

before(() => makeHome(dir))
after(() => rmSync(dir, { recursive: true, force: true }))

const gate = (words: readonly string[], env: Readonly<Record<string, string>>) =>
  runMain(['gate', ...words], dir, env)

/** A registry of npm that takes what is published with the token, and keeps the tarballs. */
async function startNpmRegistry(
  token: string,
): Promise<{ server: Server; url: string; kept: Map<string, Buffer> }> {
  const kept = new Map<string, Buffer>()
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = Buffer.concat(await request.toArray()).toString()
    const isAllowed = request.headers.authorization === `Bearer ${token}`
    const isPut = request.method === 'PUT'
    const { _attachments: attachments = {} } = (isPut && isAllowed ? JSON.parse(body) : {}) as {
      _attachments?: Record<string, { data: string }>
    }
    for (const [name, { data }] of Object.entries(attachments))
      kept.set(name, Buffer.from(data, 'base64'))
    const status = isAllowed ? 201 : 401
    response.writeHead(isPut ? status : 404).end('{}')
  }
  const server = createServer((request, response) => void take(request, response))
  server.listen(0, '127.0.0.1')
  await new Promise((done) => server.once('listening', done))
  return { server, kept, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}

test('npm publish: the tarball that was decided about, with the configuration of setup-node', async () => {
  const token = 'npm-token-of-the-test'
  const { server, url, kept } = await startNpmRegistry(token)
  try {
    const source = join(dir, 'package')
    mkdirSync(source)
    const manifest = { name: 'shop', version: '1.2.3', license: 'MIT' }
    writeFileSync(join(source, 'package.json'), JSON.stringify(manifest))
    const made = execFileSync('npm', ['pack', '--silent', source], { cwd: dir, stdio: 'pipe' })
    const [good, bad] = [made.toString().trim(), 'shop-1.2.4.tgz']
    await provenance([good], dir)
    writeFileSync(join(dir, bad), Buffer.concat([readFileSync(join(dir, good)), Buffer.from('x')]))
    const rc = join(dir, 'setup-node.npmrc')
    const place = url.replace('http:', '')
    writeFileSync(rc, `${place}:_authToken=\${NODE_AUTH_TOKEN}\nregistry=${url}\n`)
    const env = { NODE_AUTH_TOKEN: token, NPM_CONFIG_USERCONFIG: rc }
    const publish = (file: string) => gate(recipe('npm package', { 'shop-1.2.3.tgz': file }), env)
    const done = await publish(good)
    assert.equal(done.exit, 0, done.stderr.join('\n'))
    assert.equal((await publish(bad)).exit, 1)
    assert.deepEqual([...kept.keys()], [good])
    assert.equal(sha256Hex(kept.get(good) ?? ''), sha256Hex(readFileSync(join(dir, good))))
  } finally {
    server.close()
    server.closeAllConnections()
  }
})

const noArchive =
  isHere('reprepro') && isHere('dpkg-deb')
    ? false
    : 'skipped: no reprepro (apt-get install reprepro)'

test('a Debian package: into the archive that reprepro keeps', { skip: noArchive }, async () => {
  const archive = join(dir, 'debian')
  mkdirSync(join(archive, 'conf'), { recursive: true })
  const distribution = 'Codename: stable\nComponents: main\nArchitectures: amd64\n'
  writeFileSync(join(archive, 'conf/distributions'), distribution)
  const build = (version: string): string => {
    const tree = join(dir, `tree-${version}`)
    mkdirSync(join(tree, 'DEBIAN'), { recursive: true })
    const control = `Package: shop\nVersion: ${version}\nArchitecture: amd64\nSection: misc\nPriority: optional\nMaintainer: Shop <shop@example>\nDescription: shop\n`
    writeFileSync(join(tree, 'DEBIAN/control'), control)
    const file = `shop_${version}_amd64.deb`
    execFileSync('dpkg-deb', ['--build', tree, join(dir, file)], { stdio: 'pipe' })
    return file
  }
  const [good, bad] = [build('1.2.3'), build('1.2.4')]
  await provenance([good], dir)
  const include = (file: string) => {
    const examples = { 'shop_1.2.3_amd64.deb': file, '/srv/debian': archive }
    return gate(recipe('Debian package', examples), { GNUPGHOME: dir })
  }
  const done = await include(good)
  assert.equal(done.exit, 0, done.stderr.join('\n'))
  assert.equal((await include(bad)).exit, 1)
  const listed = execFileSync('reprepro', ['-b', archive, 'list', 'stable']).toString()
  assert.equal(listed, 'stable|main|amd64: shop 1.2.3\n')
  const pooled = join(archive, 'pool/main/s/shop', good)
  assert.ok(existsSync(pooled))
  assert.equal(sha256Hex(readFileSync(pooled)), sha256Hex(readFileSync(join(dir, good))))
})

const noSkopeo =
  whyNoRegistry() ?? (isHere('skopeo') ? false : 'skipped: no skopeo (apt-get install skopeo)')

test(
  'an image for several platforms is promoted, and published, whole by skopeo, with the credential that is named',
  { skip: noSkopeo },
  async () => {
    const promotion = await startPromotion(dir)
    const { unknown, examples, evidence } = promotion
    const from = 'r.example/shop@sha256:HEX'
    const published = {
      [from]: examples[from] ?? '',
      'public.example': `${examples['prod.example']}/public`,
    }
    const recipes = [
      ['image, promoted', 'shop', examples],
      ['image, published', 'public/shop', published],
    ] as const
    try {
      for (const [what, repository, all] of recipes) {
        const words = (more: Readonly<Record<string, string>>): readonly string[] =>
          recipe(what, { ...all, ...more }, evidence).flatMap((word) =>
            word === 'copy'
              ? ['copy', '--src-tls-verify=false', '--dest-tls-verify=false']
              : [word],
          )
        const env = { REGISTRY_AUTH_FILE: promotion.credentials }
        assert.equal((await gate(words({ [from]: unknown }), env)).exit, 1)
        assert.equal(await promotion.promoted(repository), undefined)
        const done = await gate(words({}), env)
        assert.equal(done.exit, 0, done.stderr.join('\n'))
        assert.equal(await promotion.promoted(repository), promotion.digest)
      }
      const { entries } = await logShow(loadConfig({ cwd: dir, env: {} }), { limit: 2 })
      const targets = entries.flatMap((entry) =>
        'deployment' in entry ? [entry.deployment.target.environment] : [],
      )
      assert.deepEqual(targets, ['registry'])
    } finally {
      await promotion.stop()
    }
  },
)
