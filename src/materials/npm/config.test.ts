import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { SallyportError } from '#error'
import { testFolder } from '../testing/storage.ts'
import { loadNpmAccess, type Environment } from './config.ts'
import { authorizationFor, readCredentials } from './npmrc.ts'

/** An environment in which npm finds this user configuration and nothing else of the machine's. */
function environment(folder: string, npmrc: string, more: Environment = {}): Environment {
  writeFileSync(join(folder, 'user.npmrc'), npmrc)
  writeFileSync(join(folder, 'global.npmrc'), '')
  return {
    PATH: process.env['PATH'],
    HOME: folder,
    npm_config_userconfig: join(folder, 'user.npmrc'),
    npm_config_globalconfig: join(folder, 'global.npmrc'),
    ...more,
  }
}

test("registries, scopes, proxies and tokens come from the machine's npm", async (t) => {
  const folder = testFolder(t)
  const npmrc = [
    'registry=https://npm.corp.example/main',
    '@acme:registry=https://npm.acme.example/',
    'https-proxy=http://proxy.corp.example:3128',
    'noproxy=corp.example',
    'strict-ssl=true',
    '//npm.acme.example/:_authToken=${ACME_TOKEN}',
  ].join('\n')
  const access = await loadNpmAccess(environment(folder, npmrc, { ACME_TOKEN: 'secret' }))
  assert.equal(access.registryFor('left-pad').href, 'https://npm.corp.example/main/')
  assert.equal(access.registryFor('@acme/thing').href, 'https://npm.acme.example/')
  assert.equal(access.registryFor('@other/thing').href, 'https://npm.corp.example/main/')
  assert.equal(
    access.authorization(new URL('https://npm.acme.example/@acme/thing')),
    'Bearer secret',
  )
  assert.equal(access.authorization(new URL('https://npm.corp.example/main/x')), undefined)
  assert.deepEqual(access.proxy, {
    HTTPS_PROXY: 'http://proxy.corp.example:3128',
    NO_PROXY: 'corp.example',
  })
  assert.equal(access.tlsUnverified, false)
})

test('the .npmrc of a hostile project has no effect, neither by folder nor through `npm run`', async (t) => {
  const project = testFolder(t)
  const folder = testFolder(t)
  writeFileSync(join(project, 'package.json'), '{"workspaces":["**"]}')
  mkdirSync(join(project, 'node_modules'))
  writeFileSync(
    join(project, '.npmrc'),
    'registry=https://evil.example/\nhttps-proxy=http://evil.example/\nstrict-ssl=false\ncafile=/dev/null\n',
  )
  const before = process.cwd()
  process.chdir(project)
  t.after(() => process.chdir(before))
  const outer: Environment = {
    npm_config_local_prefix: project,
    npm_config_registry: 'https://evil.example/',
    npm_config_https_proxy: 'http://evil.example/',
    npm_config_strict_ssl: '',
    npm_config_cafile: '/dev/null',
  }
  const given = environment(folder, 'registry=https://good.example/', outer)
  // The attack works on who asks npm where the project is.
  const naive = Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) =>
      value === undefined || name === 'npm_config_registry' ? [] : [[name, value]],
    ),
  )
  const asked = execFileSync('npm', ['config', 'get', 'registry'], { env: naive, encoding: 'utf8' })
  assert.equal(asked.trim(), 'https://evil.example/')
  const access = await loadNpmAccess(given)
  assert.equal(access.registryFor('a').href, 'https://good.example/')
  assert.deepEqual(access.proxy, {})
  assert.equal(access.tlsUnverified, false)
  assert.equal(access.ca, undefined)
})

test('a machine that sets its registry in the environment is obeyed', async (t) => {
  const folder = testFolder(t)
  const access = await loadNpmAccess(
    environment(folder, '', { NPM_CONFIG_REGISTRY: 'https://ci.example/npm/' }),
  )
  assert.equal(access.registryFor('a').href, 'https://ci.example/npm/')
})

test('a certificate file that is not there is a Problem, not silence', async (t) => {
  const folder = testFolder(t)
  const work = loadNpmAccess(environment(folder, `cafile=${folder}/absent.pem`))
  await assert.rejects(work, (error: SallyportError) => error.code === 'NPM_CONFIG')
})

test('without npm there is a Problem that says so', async () => {
  // The standard folders are always searched, so that only a machine without npm can show this fully.
  const work = loadNpmAccess({
    PATH: '/nonexistent',
    HOME: '/nonexistent',
    npm_config_registry: 'ftp://x.example/',
  })
  await assert.rejects(work, { code: 'NPM_CONFIG' })
})

test('credentials are read as npm writes them', () => {
  const text = [
    '; comment',
    'registry=https://x.example/',
    '//x.example/:_authToken=plain',
    '//y.example/deep/:_authToken = "${TOKEN}"',
    '//z.example/:_auth=dTpw',
    '//w.example/:username=user',
    `//w.example/:_password=${Buffer.from('pass').toString('base64')}`,
    '//v.example/:_authToken=${ABSENT}',
    '//u.example/:_authToken=${ABSENT?}',
  ].join('\r\n')
  const credentials = readCredentials(text, { TOKEN: 'secret' })
  const header = (url: string): string | undefined => authorizationFor(new URL(url), credentials)
  assert.equal(header('https://x.example/a/-/a-1.tgz'), 'Bearer plain')
  assert.equal(header('https://y.example/deep/a'), 'Bearer secret')
  assert.equal(header('https://y.example/a'), undefined)
  assert.equal(header('https://y.example/deeper/a'), undefined)
  assert.equal(header('https://z.example/'), 'Basic dTpw')
  assert.equal(
    header('https://w.example/a'),
    `Basic ${Buffer.from('user:pass').toString('base64')}`,
  )
  assert.equal(header('https://v.example/'), 'Bearer ${ABSENT}')
  assert.equal(header('https://u.example/'), 'Bearer ')
  assert.equal(header('https://evil.example/x.example/'), undefined)
  assert.equal(header('https://x.example:8443/'), undefined)
})
