import { SallyportError } from '#error'
import {
  deriveNpm,
  encodeMaterialsLock,
  lintCommands,
  parseMaterialsLock,
  readTar,
} from '#materials'
import { gzipSync } from 'node:zlib'
import { debPackageOf } from '../../../src/materials/debian/closure.ts'
import { parseParagraphs } from '../../../src/materials/debian/control.ts'
import { parseDebId } from '../../../src/materials/debian/name.ts'
import { openPackagesIndex } from '../../../src/materials/debian/packages-index.ts'
import { parseRelations } from '../../../src/materials/debian/relation.ts'
import { parseDeb822, parseOneLine } from '../../../src/materials/debian/sources.ts'
import { compareDebVersions } from '../../../src/materials/debian/version.ts'
import { readShell } from '../../../src/materials/lint/shell.ts'
import { readIntegrity } from '../../../src/materials/npm/integrity.ts'
import { parseNpmId } from '../../../src/materials/npm/name.ts'
import { readCredentials, authorizationFor } from '../../../src/materials/npm/npmrc.ts'
import { at, vectors } from '../corpus.ts'
import { tarSeeds } from './tar-seeds.ts'
import type { Target } from '../target.ts'

const control = `Package: libc6
Version: 2.41-12
Architecture: amd64
Depends: libgcc-s1, libcrypt1 (>= 1:4.4.10-10~) | libxcrypt [amd64 !i386] <!nocheck>
Provides: libc6-2.41, libc (= 2.41)
Filename: pool/main/g/glibc/libc6_2.41-12_amd64.deb
Size: 2800000
SHA256: ${'ab'.repeat(32)}
Description: GNU C Library
 folded line
 .

Package: base-files
Version: 13.8
`
const sources = `Types: deb
URIs: https://deb.example/debian
Suites: trixie trixie-updates
Components: main
Signed-By: /usr/share/keyrings/debian.gpg

deb [arch=amd64] https://deb.example/debian trixie main # a comment
`
const npmrc =
  '//registry.example/:_authToken=${TOKEN?}\n//other.example/a/:_auth="dXNlcjpw"\n; comment\n'
const shells = [
  'curl -fsSL http://x.example/i | sh',
  'npm ci && node "a b.js" $(git rev-parse HEAD) `id` <(ls)',
]
const texts = (list: readonly string[]) => (): readonly Buffer[] =>
  list.map((text) => Buffer.from(text))

async function* chunksOf(input: Buffer): AsyncGenerator<Uint8Array> {
  await Promise.resolve()
  for (let at = 0; at < input.length; at += 700) yield input.subarray(at, at + 700)
}

export const materialsTargets: readonly Target[] = [
  {
    name: 'materials.parseMaterialsLock',
    covers: ['#materials.parseMaterialsLock'],
    form: 'json',
    seeds: () => at([...vectors('materials/lock'), ...vectors('materials/check')], 'lock'),
    run: (input) => {
      const lock = parseMaterialsLock(input, { file: 'fuzz' })
      parseMaterialsLock(Buffer.from(encodeMaterialsLock(lock)), { file: 'fuzz' })
    },
  },
  {
    name: 'materials.deriveNpm',
    covers: [],
    form: 'json',
    seeds: () => at(vectors('materials/package-lock'), 'lock'),
    run: (input) => deriveNpm(input, { file: 'package-lock.json', platform: 'linux/amd64' }),
  },
  {
    name: 'materials.lintCommands',
    covers: [],
    form: 'text',
    seeds: () => [
      ...texts(shells)(),
      ...at(vectors('materials/lint'), 'run').map((run) =>
        Buffer.from((JSON.parse(run.toString()) as readonly unknown[]).flat().join(' ')),
      ),
    ],
    run: (input) => {
      const text = input.toString()
      readShell(text)
      lintCommands([['sh', '-c', text], text.split(' ')], { build: text })
    },
  },
  {
    name: 'materials.parseParagraphs',
    covers: [],
    form: 'text',
    seeds: texts([control, sources]),
    run: (input) => {
      const text = input.toString()
      for (const fields of parseParagraphs(text)) {
        refusing(() => debPackageOf(fields, 'amd64'))
        refusing(() => parseRelations(fields.get('depends') ?? '', 'amd64'))
      }
      parseDeb822(text)
      parseOneLine(text)
      const index = openPackagesIndex(text, 'amd64', 'fuzz')
      refusing(() => index.named('libc6'))
      refusing(() => index.providing('libc'))
      refusing(() => index.withDigest('ab'.repeat(32)))
    },
  },
  {
    name: 'materials.parseRelations',
    covers: [],
    form: 'text',
    seeds: texts([
      'libc6 (>= 2.41), a | b:any [!i386] <!nocheck> <cross>',
      'python3 (<< 3.14)',
      'x (= 1:2-3)',
    ]),
    run: (input) => {
      const text = input.toString()
      parseRelations(text, 'amd64')
    },
  },
  {
    name: 'materials.names',
    covers: [],
    form: 'text',
    seeds: texts([
      'deb:libc6@2.41-12',
      'npm:@acme/shop@1.2.3',
      '1:2.3~rc1-4+b1\n1.0',
      `sha512-${'A'.repeat(86)}==`,
    ]),
    run: (input) => {
      const text = input.toString()
      const [a = '', b = '1.0'] = text.split('\n')
      parseDebId(text)
      parseNpmId(text)
      readIntegrity(text)
      if (Math.sign(compareDebVersions(a, b)) + Math.sign(compareDebVersions(b, a)) !== 0)
        throw new Error('no order of versions')
    },
  },
  {
    name: 'materials.readCredentials',
    covers: [],
    form: 'text',
    seeds: texts([npmrc]),
    run: (input) => {
      const found = readCredentials(input.toString(), { TOKEN: 'secret' })
      authorizationFor(new URL('https://registry.example/a/b?c'), found)
    },
  },
  {
    name: 'materials.readTar',
    covers: ['#materials.readTar'],
    form: 'bytes',
    seeds: tarSeeds,
    run: async (input) => {
      const limits = { maxEntries: 100, maxBytes: 8 * 1024 * 1024 }
      const bytes = (input[3] ?? 0) % 8 === 0 ? gzipSync(input, { level: 1 }) : input
      let total = 0
      await readTar(chunksOf(bytes), {
        what: 'fuzz',
        limits,
        onEntry: () => (chunk) => {
          total += chunk.length
          if (total > limits.maxBytes) throw new Error('more than the limit')
        },
      })
    },
  },
]

function refusing(read: () => unknown): void {
  try {
    read()
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
  }
}
