import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'

import type { NpmPackage, StepSpec } from '#worker'

import { limits, run } from './harness.ts'
import { blobOf, smallRoot, tarOf, type TarFile } from './small-root.ts'

const npm = npmFolder()
const skip = npm === undefined ? 'skipped: no npm on this machine' : false

const packages = [
  pack('left', '1.2.3', { dependencies: { '@scope/right': '^2.0.0' } }),
  pack('@scope/right', '2.0.1', { bin: { right: 'index.js' } }),
]

test(
  'npm ci installs from a lock without URLs, and from locks of other registries',
  { skip },
  async () => {
    const origins = {
      none: undefined,
      public: 'https://registry.example/',
      // Another host, a path before the packages, and plain names in place of the tarball's own.
      private: 'https://npm.example.com:8443/artifactory/api/npm/team/',
    }
    const { report, log } = await runNpm(
      Object.fromEntries(
        Object.entries(origins).flatMap(([name, origin]) => project(name, origin)),
      ),
      Object.keys(origins)
        .map((name) => `(cd ${name} && npm ci --ignore-scripts && node -e "require('left')")`)
        .join(' && '),
    )
    assert.equal(report?.outcome, 'succeeded', log)
    assert.equal(log.match(/left needs right/g)?.length, 3, log)
    // What npm asked the registry of its own step is no attempt to get out.
    assert.deepEqual(report.network.attempts, [])
  },
)

test(
  'a package that is not among the materials cannot be installed, and npm does not wait',
  { skip },
  async () => {
    const { report, log } = await runNpm({}, 'npm install express')
    assert.equal(report?.outcome, 'failed')
    assert.match(log, /E404|404 Not Found/)
    assert.match(log, /not among the locked materials/)
  },
)

test('an .npmrc in the source cannot send npm elsewhere', { skip }, async () => {
  const general = { content: 'registry=https://evil.example/\n' }
  const scoped = { content: '@scope:registry=https://evil.example/\n' }
  const { report, log } = await runNpm(
    {
      ...Object.fromEntries([...project('general', undefined), ...project('scoped', undefined)]),
      'general/.npmrc': general,
      'scoped/.npmrc': scoped,
    },
    '(cd general && npm ci --ignore-scripts) && ! (cd scoped && npm ci --ignore-scripts)',
  )
  assert.equal(report?.outcome, 'succeeded', log)
  assert.deepEqual(
    report.network.attempts.map(({ protocol, name }) => [protocol, name]),
    [['dns', 'evil.example']],
  )
})

test('the registry is read-only, serves no file, and is not the host', { skip }, async () => {
  const ask = `
    const http = require('node:http')
    const ask = (method, path) => new Promise((resolve) => {
      const request = http.request({ port: 4873, host: '127.0.0.1', method, path }, (response) => {
        let body = ''
        response.on('data', (chunk) => (body += chunk))
        response.on('end', () => resolve(method + ' ' + path + ' ' + response.statusCode + ' ' + body.slice(0, 60)))
      })
      request.end()
    })
    const asked = [['PUT', '/left'], ['DELETE', '/left'], ['GET', '/../../../etc/passwd'], ['GET', '/%2e%2e%2fetc/passwd'],
      ['GET', '/%'], ['GET', '/left/-/../../left-1.2.3.tgz'], ['GET', '/left']]
    Promise.all(asked.map(([method, path]) => ask(method, path))).then((all) => console.log(all.join('\\n')))
  `
  const { log } = await runNpm({ 'ask.js': { content: ask } }, 'node ask.js')
  assert.deepEqual(
    log
      .trim()
      .split('\n')
      .map((line) => line.split(' ').slice(0, 3).join(' ')),
    [
      'PUT /left 405',
      'DELETE /left 405',
      'GET /../../../etc/passwd 404',
      'GET /%2e%2e%2fetc/passwd 404',
      'GET /% 404',
      'GET /left/-/../../left-1.2.3.tgz 404',
      'GET /left 200',
    ],
  )
})

test('a tarball that is not what was locked ends the step', { skip }, async () => {
  const bytes = packages.map((served) => readFileSync(served.tarball.path))
  const [left, right] = packages
  assert.ok(left !== undefined && right !== undefined)
  const altered = { ...left, tarball: blobOf(bytes[0] ?? Buffer.alloc(0)) }
  writeFileSync(altered.tarball.path, Buffer.from(bytes[0] ?? []).fill(0, 20, 21))
  const { problems } = await runNpm(
    Object.fromEntries(project('app', undefined)),
    'cd app && npm ci --ignore-scripts; true',
    [altered, right],
  )
  assert.equal(problems[0]?.code, 'WORKER_BLOB_MISMATCH')
  assert.equal(problems[0]?.where, 'left@1.2.3')
})

function runNpm(
  files: Readonly<Record<string, TarFile>>,
  script: string,
  npmRegistry: readonly NpmPackage[] = packages,
): ReturnType<typeof run> {
  return run({ without: [], script, files, spec: { ...npmSpec(), npmRegistry } })
}

let made: Partial<StepSpec> | undefined

function npmSpec(): Partial<StepSpec> {
  made ??= makeNpmSpec()
  return made
}

function makeNpmSpec(): Partial<StepSpec> {
  const node = { 'bin/node': { content: readFileSync(process.execPath), executable: true } }
  return {
    root: smallRoot([process.execPath]),
    mounts: [
      { at: '/tool/node', tree: tarOf(node) },
      { at: '/tool/npm', tree: tarOf(npmFiles(npm ?? '')) },
    ],
    limits: {
      ...limits,
      memoryBytes: 1 << 30,
      diskBytes: 64 << 20,
      processes: 200,
      wallSeconds: 300,
    },
  }
}

function pack(name: string, version: string, more: object): NpmPackage {
  const manifest = { name, version, main: 'index.js', ...more }
  const index =
    name === 'left' ? `require('@scope/right')('left needs right')` : 'module.exports = console.log'
  const tar = tarOf({
    'package/package.json': { content: JSON.stringify(manifest) },
    'package/index.js': { content: index },
  })
  const bytes = gzipSync(readFileSync(tar.path))
  const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`
  return { name, version, integrity, tarball: blobOf(bytes), manifest }
}

function project(folder: string, origin: string | undefined): [string, TarFile][] {
  const dependencies = { left: '1.2.3' }
  const locked = packages.map(({ name, version, integrity, manifest }) => {
    const file = `${name.split('/').at(-1)}-${version}.tgz`
    const resolved = origin === undefined ? {} : { resolved: `${origin}${name}/-/${file}` }
    const { dependencies: needs, bin } = manifest
    return [`node_modules/${name}`, { version, ...resolved, integrity, dependencies: needs, bin }]
  })
  const lock = {
    name: 'app',
    version: '1.0.0',
    lockfileVersion: 3,
    packages: {
      '': { name: 'app', version: '1.0.0', dependencies },
      ...Object.fromEntries(locked),
    },
  }
  const manifest = { name: 'app', version: '1.0.0', dependencies }
  return [
    [`${folder}/package.json`, { content: JSON.stringify(manifest) }],
    [`${folder}/package-lock.json`, { content: JSON.stringify(lock) }],
  ]
}

function npmFolder(): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(':')
    .map((folder) => join(folder, 'npm'))
    .filter(existsSync)
    .map((path) => dirname(dirname(realpathSync(path))))
    .find((folder) => existsSync(join(folder, 'bin/npm-cli.js')))
}

function npmFiles(folder: string): Record<string, TarFile> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\/(?:docs|man)\//.test(`${entry.parentPath}/`))
    .map((entry) => join(entry.parentPath, entry.name))
  return {
    ...Object.fromEntries(
      files.map((path) => [path.slice(folder.length + 1), { content: readFileSync(path) }]),
    ),
    'bin/npm': {
      content: '#!/bin/sh\nexec node /tool/npm/bin/npm-cli.js "$@"\n',
      executable: true,
    },
  }
}
