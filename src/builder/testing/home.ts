import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, sign } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { encodeStatement, inTotoPayloadType, pae, type Statement } from '#attestation'
import { sha256Hex, type Json } from '#document'
import type { HostOptions } from '#materials'
import { builderIds } from '#signer'
import { openFileBlobs } from '#store'
import { runStep } from '#worker'
import type { BuilderSigner, BuildOptions, BuildPorts } from '../build.ts'

/** Everything a builder needs, in a folder that is gone after the test. */
export interface Home {
  readonly folder: string
  readonly output: string
  readonly ports: BuildPorts
  /** The machine that is measured; without it, this one. */
  readonly host?: HostOptions
}

export function newHome(context: Pick<TestContext, 'after'>): Home {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-builder-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  const ports: BuildPorts = {
    blobs: openFileBlobs(join(folder, 'blobs')),
    workspace: join(folder, 'work'),
    builds: join(folder, 'builds'),
    runStep,
    signer: testSigner(),
    now: () => new Date('2026-11-20T10:00:00Z'),
  }
  return { folder, output: join(folder, 'output'), ports }
}

/** A key of the test's own, in this process: how keys are held is tested with the signer. */
export function testSigner(): BuilderSigner {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const keyid = sha256Hex(publicKey.export({ type: 'spki', format: 'der' }))
  return {
    keyidOf: () => Promise.resolve(keyid),
    sign: (_, statement: Statement) => {
      const payload = encodeStatement(statement)
      const sig = new Uint8Array(sign(null, pae(inTotoPayloadType, payload), privateKey))
      return Promise.resolve({
        payloadType: inTotoPayloadType,
        payload,
        signatures: [{ keyid, sig }],
      })
    },
  }
}

export type Files = Readonly<Record<string, string | Uint8Array>>

/** A git repository with one commit; the commit's hash is a function of the files. */
export function newRepository(folder: string, files: Files): { path: string; commit: string } {
  const path = mkdtempSync(join(folder, 'repository-'))
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-C', path, ...args], { encoding: 'utf8', env: gitEnvironment }).trim()
  git('init', '--quiet', '--initial-branch=main')
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true })
    writeFileSync(join(path, name), content)
  }
  git('add', '--all')
  git('commit', '--quiet', '--message=all')
  return { path, commit: git('rev-parse', 'HEAD') }
}

const gitEnvironment = {
  PATH: process.env['PATH'] ?? '/usr/bin',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@example.com',
  GIT_AUTHOR_DATE: '2026-11-01T00:00:00Z',
  GIT_COMMITTER_DATE: '2026-11-01T00:00:00Z',
}

export const emptyLock = `${JSON.stringify({
  schema: 'https://sallyport.dev/lock/v1',
  generator: 'sallyport/0.1.0',
  platform: platform(),
  nativeLocks: [],
  entries: [],
})}\n`

export function platform(): string {
  return `linux/${process.arch === 'x64' ? 'amd64' : 'arm64'}`
}

/** A recipe that runs `build.sh` with what the shell and coreutils can do, and puts out `thing.txt`. */
export function recipe(change: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    schema: 'https://sallyport.dev/recipe/v1',
    package: 'pkg:npm/thing',
    platform: platform(),
    lock: 'sallyport.lock.json',
    root: { debian: ['dash', 'coreutils'] },
    steps: [
      {
        id: 'build',
        run: [['sh', 'build.sh']],
        outputs: [{ path: 'thing.txt', type: 'file' }],
      },
    ],
    outputs: [{ step: 'build', path: 'thing.txt', mediaType: 'text/plain' }],
    limits: { memory: '512MiB', disk: '64MiB', processes: 64, wall: '1m' },
    ...change,
  })
}

/** A source whose only step runs this shell text. */
export function source(script: string, change: Readonly<Record<string, unknown>> = {}): Files {
  return {
    'build.sh': `set -eu\n${script}\n`,
    'sallyport.build.json': recipe(change),
    'sallyport.lock.json': emptyLock,
  }
}

export function options(
  home: Home,
  repository: string,
  request: Readonly<Record<string, Json>> = {},
): BuildOptions {
  return {
    request: { repository, revision: 'main', ...request },
    mode: 'workstation',
    root: { kind: 'measured', ...(home.host === undefined ? {} : { host: home.host }) },
    output: home.output,
    version: { sallyport: '0.1.0', node: process.versions.node },
  }
}

export const measuredId = builderIds.workstationMeasured
