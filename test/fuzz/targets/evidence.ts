import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  formatReference,
  parseReference,
  queryOfTagPage,
  readAnnotation,
  readDockerCredentials,
  readTagPage,
} from '#evidence'
import { isWithin, reachOf } from '../../../src/evidence/http/addresses.ts'
import { parseChallenge } from '../../../src/evidence/oci/challenge.ts'
import { readManifest } from '../../../src/evidence/oci/manifest.ts'
import { inputs, vectors } from '../corpus.ts'
import type { Target } from '../target.ts'

const digest = `sha256:${'ab'.repeat(32)}`
const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 2 }
const layer = {
  mediaType: 'application/vnd.dsse.envelope.v1+json',
  digest,
  size: 900,
  annotations: { a: 'b' },
}
const manifests = [
  {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config,
    layers: [layer],
    subject: { ...config, digest },
  },
  {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [{ ...config, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } }],
  },
  {
    mediaType: 'application/vnd.oci.artifact.manifest.v1+json',
    artifactType: 'x',
    blobs: [layer],
    subject: null,
  },
]
const docker = {
  auths: {
    'https://index.docker.io/v1/': { auth: 'dXNlcjpwYXNz' },
    'registry.example/team': { auth: 'YTpi', identitytoken: 't' },
  },
}
const references = [
  'registry.example/shop:1.2.3',
  `localhost:5000/a/b@${digest}`,
  'ubuntu',
  `[::1]:80/x:y@${digest}`,
]
const challenges = [
  'Bearer realm="https://auth.example/token",service="registry",scope="repository:a:pull"',
  'Basic realm=x',
  'Bearer realm=a, Basic realm="b\\"c"',
]
const addresses = [
  '169.254.169.254',
  '::ffff:10.0.0.1',
  '[fd00:ec2::254]',
  '127.1',
  '64:ff9b::a9fe:a9fe',
  'fe80::1%eth0',
]
const json = (list: readonly unknown[]) => (): readonly Buffer[] =>
  list.map((one) => Buffer.from(JSON.stringify(one)))
const texts = (list: readonly string[]) => (): readonly Buffer[] =>
  list.map((one) => Buffer.from(one))

let folder: string | undefined

export const evidenceTargets: readonly Target[] = [
  {
    name: 'evidence.parseReference',
    covers: ['#evidence.parseReference'],
    form: 'text',
    seeds: texts(references),
    run: (input) => {
      const written = formatReference(parseReference(input.toString()))
      if (formatReference(parseReference(written)) !== written) throw new Error('reads as another')
    },
  },
  {
    name: 'evidence.readAnnotation',
    covers: ['#evidence.readAnnotation'],
    form: 'text',
    seeds: () => inputs(vectors('attestation')),
    run: (input) => {
      const { sources } = readAnnotation({ name: 'fuzz', value: input.toString() })
      if (sources.some(({ outcome }) => outcome === 'unavailable'))
        throw new Error('whoever asks has made an outage')
    },
  },
  {
    name: 'evidence.readDockerCredentials',
    covers: ['#evidence.readDockerCredentials'],
    form: 'json',
    seeds: json([docker]),
    run: async (input) => {
      // A helper is a program: none is run for the sake of a test.
      if (/cred/i.test(input.toString())) return
      folder ??= mkdtempSync(join(tmpdir(), 'sallyport-fuzz-'))
      const file = join(folder, 'config.json')
      writeFileSync(file, input)
      const credentials = await readDockerCredentials(file)
      await credentials.find('docker.io', 'library/ubuntu')
      await credentials.find('registry.example', 'team/shop')
    },
  },
  {
    name: 'evidence.readManifest',
    covers: ['#evidence.readManifest'],
    form: 'json',
    seeds: json(manifests),
    run: (input) => readManifest(input),
  },
  {
    name: 'evidence.parseChallenge',
    covers: [],
    form: 'text',
    seeds: texts(challenges),
    run: (input) => parseChallenge(input.toString()),
  },
  {
    name: 'evidence.readTagPage',
    covers: ['#evidence.readTagPage'],
    form: 'text',
    seeds: texts([
      'n=50&last=v1.2.3',
      'next_page=gAAAA%3D%3D&n=50',
      'n=0&last=a&last=b&x=y',
      'n=1e9',
    ]),
    run: (input) => {
      const page = readTagPage(new URLSearchParams(input.toString()))
      if (page === undefined) return
      const query = queryOfTagPage(page)
      if (query.toString().length > 4000) throw new Error('longer than an address may be')
      if (queryOfTagPage(readTagPage(query) ?? {}).toString() !== query.toString())
        throw new Error('reads as another')
    },
  },
  {
    name: 'evidence.reachOf',
    covers: [],
    form: 'text',
    seeds: texts(addresses),
    run: (input) => isWithin(reachOf(input.toString()), 'public'),
  },
]
