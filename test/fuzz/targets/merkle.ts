import {
  openCheckpoint,
  openNote,
  parseAddCheckpoint,
  parseCheckpointText,
  parseEntryBundle,
  parseNote,
  parseSignatureLines,
  parseSignerKey,
  parseTilePath,
  parseTlogProof,
  parseVerifierKey,
  parseWitnessPolicy,
  splitEntries,
  encodeAddCheckpoint,
  encodeTlogProof,
  encodeVerifierKey,
  tilePath,
  verifyTlogProof,
  type LogIdentity,
  type VerifierKey,
} from '#merkle'
import { at, vectors } from '../corpus.ts'
import type { Target } from '../target.ts'

const merkle = (op: string, key: string) => (): readonly Buffer[] =>
  at(vectors('merkle', op), 'in', key)
const hex = (op: string) => (): readonly Buffer[] =>
  merkle(op, 'bytes')().map((text) => Buffer.from(text.toString(), 'hex'))

/** The log that the good vectors are of. */
function log(): LogIdentity & { readonly keys: readonly VerifierKey[] } {
  const vector = vectors('merkle', 'checkpoint').at(0) ?? {}
  const { origin, verifierKeys } = vector['in'] as unknown as {
    readonly origin: string
    readonly verifierKeys: readonly string[]
  }
  return { origin, verifierKeys, keys: verifierKeys.map(parseVerifierKey) }
}
const known = log()
const genuine = new Set(
  [...merkle('checkpoint', 'note')(), ...merkle('receipt', 'receipt')()].map((text) =>
    rootLine(text.toString()),
  ),
)

/** Size and root: what a checkpoint says. */
function rootLine(text: string): string {
  const lines = text.split('\n')
  const first = lines.indexOf(known.origin)
  return lines.slice(first, first + 3).join('\n')
}

/** Nobody but the log can make a checkpoint that opens. */
function open(note: string): void {
  const opened = openCheckpoint(note, known)
  if (!genuine.has(rootLine(note))) throw new Error(`a forged checkpoint of size ${opened.size}`)
}

export const merkleTargets: readonly Target[] = [
  {
    name: 'merkle.parseNote',
    covers: ['#merkle.parseNote', '#merkle.parseCheckpointText'],
    form: 'text',
    seeds: () => [...merkle('note', 'note')(), ...merkle('checkpoint', 'note')()],
    run: (input) => {
      const { text } = parseNote(input)
      parseNote(input.toString())
      openNote(input, known.keys)
      parseCheckpointText(text)
    },
  },
  {
    name: 'merkle.parseCheckpointText',
    covers: [],
    form: 'text',
    seeds: merkle('checkpointText', 'text'),
    run: (input) => parseCheckpointText(input.toString()),
  },
  {
    name: 'merkle.openCheckpoint',
    covers: [],
    form: 'text',
    seeds: merkle('checkpoint', 'note'),
    run: (input) => open(input.toString()),
  },
  {
    name: 'merkle.parseTlogProof',
    covers: ['#merkle.parseTlogProof'],
    form: 'text',
    seeds: merkle('receipt', 'receipt'),
    run: (input) => {
      const proof = parseTlogProof(input.toString())
      encodeTlogProof(proof)
      verifyTlogProof(input.toString(), Buffer.from('another entry'), known)
      throw new Error('a receipt for an entry that the log does not have')
    },
  },
  {
    name: 'merkle.parseAddCheckpoint',
    covers: ['#merkle.parseAddCheckpoint'],
    form: 'text',
    seeds: () =>
      merkle('checkpoint', 'note')().map((note) =>
        Buffer.from(
          encodeAddCheckpoint({
            old: 1,
            consistency: [new Uint8Array(32), new Uint8Array(32)],
            checkpoint: note.toString(),
          }),
        ),
      ),
    run: (input) => {
      const request = parseAddCheckpoint(input)
      if (encodeAddCheckpoint(request) !== input.toString())
        throw new Error('two spellings of one request')
    },
  },
  {
    name: 'merkle.parseSignatureLines',
    covers: ['#merkle.parseSignatureLines'],
    form: 'text',
    seeds: () =>
      merkle('checkpoint', 'note')().map((note) => note.subarray(note.indexOf('\n\n') + 2)),
    run: (input) => parseSignatureLines(input.toString()),
  },
  {
    name: 'merkle.parseWitnessPolicy',
    covers: ['#merkle.parseWitnessPolicy'],
    form: 'text',
    seeds: () => {
      const keys = merkle('cosignature', 'skey')().map((skey) =>
        encodeVerifierKey(parseSignerKey(skey.toString()).key),
      )
      const lines = keys.map((vkey, at) => `witness w${at} ${vkey}`)
      return [
        ...lines.map((line, at) => `${line}\nquorum w${at}\n`),
        `${lines[0]} https://w.example\ngroup g any w0\nquorum g\n`,
        `${lines[0]}\nquorum none\n`,
      ].map((text) => Buffer.from(text))
    },
    run: (input) => parseWitnessPolicy(input, 'policy'),
  },
  {
    name: 'merkle.parseEntryBundle',
    covers: ['#merkle.parseEntryBundle', '#merkle.splitEntries'],
    form: 'bytes',
    seeds: hex('bundle'),
    run: (input) => {
      splitEntries(input)
      parseEntryBundle({ level: 'entries', index: 0, width: 1 + (input[0] ?? 0) }, input)
    },
  },
  {
    name: 'merkle.parseTilePath',
    covers: ['#merkle.parseTilePath'],
    form: 'text',
    seeds: merkle('tilePath', 'path'),
    run: (input) => {
      const text = input.toString()
      if (tilePath(parseTilePath(text)) !== text) throw new Error('two spellings of one path')
    },
  },
  {
    name: 'merkle.parseVerifierKey',
    covers: ['#merkle.parseVerifierKey', '#merkle.parseSignerKey'],
    form: 'text',
    seeds: () => [...merkle('vkey', 'vkey')(), ...merkle('cosignature', 'skey')()],
    run: (input) => {
      const text = input.toString()
      if (text.startsWith('PRIVATE')) return parseSignerKey(text)
      if (encodeVerifierKey(parseVerifierKey(text)) !== text)
        throw new Error('two spellings of one key')
      return undefined
    },
  },
]
