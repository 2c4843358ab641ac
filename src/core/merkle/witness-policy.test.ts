import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { SallyportError } from '#error'
import { encodeVerifierKey, verifierKeyOf } from './key.ts'
import type { NoteKeyType } from './key-format.ts'
import { isQuorum, parseWitnessPolicy, type WitnessPolicy } from './witness-policy.ts'

function vkey(name: string, type: NoteKeyType = 'ed25519-cosignature'): string {
  const { publicKey } =
    type === 'ml-dsa-44' ? generateKeyPairSync('ml-dsa-44') : generateKeyPairSync('ed25519')
  return encodeVerifierKey(verifierKeyOf(name, type, publicKey))
}
const key = Object.fromEntries(
  ['X1', 'X2', 'X3', 'Y1', 'Y2', 'Y3'].map((name) => [name, vkey(`${name}.example`)]),
)
const witness = (name: string): string => `witness ${name} ${key[name]} https://${name}.example/`

const parse = (text: string): WitnessPolicy => parseWitnessPolicy(Buffer.from(text), 'policy')

function refused(text: string): void {
  assert.throws(
    () => parse(text),
    (error) =>
      error instanceof SallyportError &&
      ['WITNESS_POLICY_MALFORMED', 'NOTE_KEY_MALFORMED'].includes(error.code),
    text.slice(0, 120),
  )
}

test('C2SP tlog-policy: the example of two levels of groups means what it says', () => {
  const { witnesses, logs, quorum } = parse(
    [
      `log ${vkey('log.example', 'ed25519')} https://log.example/`,
      '',
      '\t# witnesses of X',
      ...['X1', 'X2', 'X3'].map(witness),
      '  group X-witnesses 2 X1\tX2  X3 ',
      ...['Y1', 'Y2', 'Y3'].map(witness),
      'group Y-witnesses any Y1 Y2 Y3',
      'group X-and-Y all X-witnesses Y-witnesses',
      'quorum X-and-Y',
      '',
    ].join('\n'),
  )
  assert.equal(logs[0]?.key.name, 'log.example')
  assert.deepEqual(
    witnesses.map(({ name, url }) => `${name} ${url}`),
    ['X1', 'X2', 'X3', 'Y1', 'Y2', 'Y3'].map((name) => `${name} https://${name}.example/`),
  )
  const holds = (...names: string[]): boolean => isQuorum(quorum, new Set(names))
  assert.ok(holds('X1', 'X3', 'Y2'))
  assert.ok(!holds('X1', 'Y1', 'Y2', 'Y3'))
  assert.ok(!holds('X1', 'X2', 'X3'))
  assert.ok(!holds())
})

test('C2SP tlog-policy: a single witness may be the quorum, and "none" asks for nobody', () => {
  const { quorum } = parse(`${witness('X1')}\nquorum X1\n`)
  assert.ok(isQuorum(quorum, new Set(['X1'])))
  assert.ok(!isQuorum(quorum, new Set(['X2'])))
  assert.ok(isQuorum(parse('quorum none').quorum, new Set()))
})

test('C2SP tlog-policy: ML-DSA-44 witnesses are read; keys that sign notes are not witnesses', () => {
  assert.equal(
    parse(`witness W ${vkey('w.example', 'ml-dsa-44')}\nquorum W`).witnesses[0]?.key.type,
    'ml-dsa-44',
  )
  refused(`witness W ${vkey('w.example', 'ed25519')}\nquorum W`)
  refused(`log ${key['X1']}\nquorum none`)
})

test('C2SP tlog-policy: a policy without exactly one quorum, or with a name that is not defined above, is refused', () => {
  refused('')
  refused(witness('X1'))
  refused(`${witness('X1')}\nquorum X1\nquorum X1`)
  refused(`${witness('X1')}\nquorum X2`)
  refused(`quorum X1\n${witness('X1')}`)
  refused(`${witness('X1')}\ngroup G all X1 G\nquorum G`)
  refused(`${witness('X1')}\ngroup none all X1\nquorum none`)
  refused(`${witness('X1')}\ngroup G all none\nquorum G`)
})

test('C2SP tlog-policy: nobody counts twice', () => {
  refused(`${witness('X1')}\ngroup G 1 X1 X1\nquorum G`)
  refused(`${witness('X1')}\ngroup G all X1\ngroup H all X1\nquorum H`)
  refused(`${witness('X1')}\nwitness other ${key['X1']}\nquorum X1`)
  refused(`${witness('X1')}\n${witness('X2').replace('X2', 'X1')}\nquorum X1`)
})

test('C2SP tlog-policy: thresholds are numbers from 1 to the count of members', () => {
  for (const k of ['0', '3', '-1', '01', '1.0', '', 'most'])
    refused(`${witness('X1')}\n${witness('X2')}\ngroup G ${k} X1 X2\nquorum G`)
  refused(`${witness('X1')}\ngroup G all\nquorum G`)
})

test('control characters and lines of another kind are refused', () => {
  refused('quorum none\r\n')
  refused('quorum none\u0000')
  refused('quorum none extra')
  refused('Quorum none')
  refused(`witness W not-a-key\nquorum W`)
})
