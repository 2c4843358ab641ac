import { parseStatement } from '#attestation'
import { readKeyFile } from '#layout'
import { refusalForm } from '#log'
import { parseRulebookMemory, readPublicKey, readRulebookKeys, readRulebookStatement } from '#trust'
import { keyOf } from '../decision/keys.ts'
import type { Target } from '../target.ts'

const json = (value: unknown) => (): readonly Buffer[] => [Buffer.from(JSON.stringify(value))]
const publicKey = keyOf('rulebook').publicPem
const memory = {
  apiVersion: 'sallyport.dev/v1',
  kind: 'RulebookMemory',
  seen: { 'DeploymentPolicy/shop': { version: 3, sha256: 'ab'.repeat(32) } },
}
const refusal = {
  apiVersion: 'sallyport.dev/v1',
  kind: 'Refusal',
  time: '2026-06-01T00:00:00Z',
  problems: [{ code: 'DOCUMENT_SYNTAX', expected: 'a', found: 'b', fix: 'Do c' }],
}
const statement = {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ name: 'Trust/default', digest: { sha256: 'ab'.repeat(32) } }],
  predicateType: 'https://sallyport.dev/rulebook-file/v1',
  predicate: { kind: 'Trust', name: 'default', version: 2 },
}

/** What is signed about policies and trust files, and what is remembered about them. */
export const rulebookTargets: readonly Target[] = [
  {
    name: 'trust.parseRulebookMemory',
    covers: ['#trust.parseRulebookMemory'],
    form: 'json',
    seeds: json(memory),
    run: (input) => parseRulebookMemory(input),
  },
  {
    name: 'trust.readRulebookStatement',
    covers: ['#trust.readRulebookStatement'],
    form: 'json',
    seeds: json(statement),
    run: (input) => readRulebookStatement(parseStatement(input), 'fuzz'),
  },
  {
    name: 'trust.readRulebookKeys',
    covers: ['#trust.readRulebookKeys', '#trust.readPublicKey'],
    form: 'text',
    seeds: () => [Buffer.from(publicKey)],
    run: (input) => {
      const keys = [{ owner: 'a', publicKey: input.toString() }]
      readRulebookKeys({ version: 1, threshold: 1, keys }, () => 'fuzz')
      readPublicKey(input.toString(), 'fuzz')
    },
  },
  {
    name: 'layout.readKeyFile',
    covers: ['#layout.readKeyFile'],
    form: 'text',
    seeds: () => [
      Buffer.from(publicKey),
      Buffer.from(
        JSON.stringify({
          keyid: 'ab'.repeat(32),
          keytype: 'ed25519',
          scheme: 'ed25519',
          keyid_hash_algorithms: ['sha256', 'sha512'],
          keyval: { public: 'cd'.repeat(32), private: '' },
        }),
      ),
    ],
    run: (input) => readKeyFile(input, 'fuzz'),
  },
  {
    name: 'log.refusalForm',
    covers: ['#log.refusalForm.parse'],
    form: 'json',
    seeds: json(refusal),
    run: (input) => refusalForm.parse(input),
  },
]
