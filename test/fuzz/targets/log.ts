import { hash } from 'node:crypto'
import {
  openBuildReceipt,
  accessReviewForm,
  buildForm,
  parseBuildReceipt,
  buildRecordForm,
  deploymentForm,
  externalVerdictForm,
  readSpool,
} from '#log'
import type { Target } from '../target.ts'

const deployment = {
  apiVersion: 'sallyport.dev/v1',
  kind: 'Deployment',
  started: '2026-01-01T00:00:00Z',
  time: '2026-01-01T00:00:10Z',
  engine: { name: 'sallyport', version: '0.1.0' },
  chokePoint: 'ci',
  requester: 'jo',
  target: { environment: 'production', service: 'shop' },
  artifacts: [{ name: 'shop.tar', sha256: 'a'.repeat(64), decision: 7 }],
  command: { program: 'publish', sha256: 'b'.repeat(64) },
  exit: 0,
}

const ofBuild = {
  apiVersion: 'sallyport.dev/v1',
  build: '0b7c08e0-f303-4f76-95b3-cc8b75c71715',
  time: '2026-01-01T00:00:00Z',
  engine: { name: 'sallyport', version: '0.1.0' },
}
const trigger = { requester: 'jo', principal: 'os:jo' }
const source = { uri: 'git+https://git.example/acme/shop', commit: 'c'.repeat(40) }
const built = {
  outcome: 'built',
  artifacts: [{ name: 'shop.tgz', sha256: 'a'.repeat(64) }],
  provenance: {
    sha256: 'b'.repeat(64),
    statement: 'c'.repeat(64),
    builderId: 'https://builder.example/v1',
    keyid: 'k',
  },
}

/** What a build leaves in the log. */
const builds = [
  {
    ...ofBuild,
    kind: 'BuildBegun',
    trigger,
    request: {
      repository: source.uri,
      revision: 'main',
      recipe: 'sallyport.build.json',
      parameters: { target: 'release' },
      root: 'auto',
      reuse: true,
    },
  },
  {
    ...ofBuild,
    kind: 'BuildDefined',
    begun: 0,
    source,
    buildType: 'https://builder.example/recipe',
    externalParameters: { source: { ref: 'refs/heads/main' } },
    definition: 'd'.repeat(64),
    inputs: [{ name: 'lock', sha256: 'e'.repeat(64) }],
    inputCount: 7,
  },
  { ...ofBuild, kind: 'BuildEnded', begun: 0, ...built },
  { ...ofBuild, kind: 'BuildEnded', begun: 0, outcome: 'failed', problems: ['BUILD_STORE'] },
]

const { build: id, ...recordHead } = ofBuild
const place = { index: 0, sha256: 'f'.repeat(64) }
const buildRecord = {
  ...recordHead,
  kind: 'BuildRecord',
  requester: 'token:factory',
  recorded: {
    build: id,
    log: { origin: 'factory.example', begun: place, defined: { ...place, index: 1 } },
    trigger,
    source,
    definition: 'd'.repeat(64),
    ...built,
  },
}

/** The public key of the example in Go's sumdb/note. */
const key = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'

const buildReceipt = {
  apiVersion: 'sallyport.dev/v1',
  kind: 'BuildReceipt',
  record: JSON.stringify(buildRecord),
  proof: `c2sp.org/tlog-proof@v1\nindex 0\n\nPeterNeumann\n1\n${'A'.repeat(43)}=\n\n— PeterNeumann x08go3fkBPQaTYHL\n`,
}

const accessReview = {
  apiVersion: 'sallyport.dev/v1',
  kind: 'AccessReview',
  time: '2026-01-01T00:00:00Z',
  by: 'erin',
  principal: 'os:erin',
  finding: 'still needed',
  grants: [{ id: 'token:ci', sha256: 'a'.repeat(64) }],
}

const externalVerdict = {
  ...recordHead,
  kind: 'ExternalVerdict',
  chokePoint: 'workstation',
  requester: 'jo',
  by: { name: 'opa', version: '1.0.0', policy: 'a'.repeat(64) },
  export: 'b'.repeat(64),
  decision: { entry: 3, verdict: 'DENY', effect: 'blocked' },
  artifact: { name: 'shop.tgz', sha256: 'c'.repeat(64) },
  target: { environment: 'production', service: 'shop' },
  result: 'd'.repeat(64),
  verdict: 'allow',
  explanation: ['it was reviewed'],
}

/** What the lines of a spool say, without digests. */
const lines = [
  { kind: 'SpoolHead', origin: 'log.example/decisions', spool: '0'.repeat(16), firstId: -9 },
  {
    kind: 'SpoolEntries',
    time: '2026-01-01T00:00:00Z',
    entries: [{ number: 0, id: -9, bodies: ['c'.repeat(64)], entry: 'e30=' }],
  },
  { kind: 'SpoolForwarded', line: 'd'.repeat(64), indexes: [7] },
]

/** Gives each line its digest, and the digest of the one before it: what damage alone never gets past. */
function seal(text: string): Buffer {
  let previous = '0'.repeat(64)
  const sealed = text.split('\n').map((line) => {
    const json = line.replace(/"previous":"[^"]*"/, `"previous":"${previous}"`)
    previous = hash('sha256', json)
    return `${previous} ${json}\n`
  })
  return Buffer.from(sealed.join(''))
}

const unsealed = lines
  .map((line) => JSON.stringify({ apiVersion: 'sallyport.dev/v1', ...line, previous: '' }))
  .join('\n')

export const logTargets: readonly Target[] = [
  {
    name: 'log.deploymentForm',
    covers: ['#log.deploymentForm.parse'],
    form: 'json',
    seeds: () => [Buffer.from(JSON.stringify(deployment))],
    run: (input) => deploymentForm.parse(input),
  },
  {
    name: 'log.accessReviewForm',
    covers: ['#log.accessReviewForm.parse'],
    form: 'json',
    seeds: () => [Buffer.from(JSON.stringify(accessReview))],
    run: (input) => accessReviewForm.parse(input),
  },
  {
    name: 'log.buildForm',
    covers: ['#log.buildForm.parse'],
    form: 'json',
    seeds: () => builds.map((one) => Buffer.from(JSON.stringify(one))),
    run: (input) => buildForm.parse(input),
  },
  {
    name: 'log.buildRecordForm',
    covers: ['#log.buildRecordForm.parse'],
    form: 'json',
    seeds: () => [Buffer.from(JSON.stringify(buildRecord))],
    run: (input) => buildRecordForm.parse(input),
  },
  {
    name: 'log.parseBuildReceipt',
    covers: ['#log.parseBuildReceipt', '#log.openBuildReceipt'],
    form: 'json',
    seeds: () => [Buffer.from(JSON.stringify(buildReceipt))],
    // Nothing here has the key: a receipt that is believed would be a finding.
    run: (input) => {
      openBuildReceipt(parseBuildReceipt(input), { origin: 'PeterNeumann', verifierKeys: [key] })
      throw new Error('a receipt that nobody has signed was believed')
    },
  },
  {
    name: 'log.externalVerdictForm',
    covers: ['#log.externalVerdictForm.parse'],
    form: 'json',
    seeds: () => [Buffer.from(JSON.stringify(externalVerdict))],
    run: (input) => externalVerdictForm.parse(input),
  },
  {
    name: 'log.readSpool',
    covers: ['#log.readSpool'],
    form: 'text',
    seeds: () => [Buffer.from(unsealed)],
    run: async (input) => readSpool({ name: 'spool', read: async () => seal(input.toString()) }),
  },
  {
    name: 'log.readSpool, damaged',
    covers: [],
    form: 'text',
    seeds: () => [seal(unsealed)],
    run: async (input) => readSpool({ name: 'spool', read: async () => input }),
  },
]
