import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import {
  encodeSignatureLines,
  encodeVerifierKey,
  noteSignature,
  parseNote,
  signedMessage,
  verifierKeyOf,
  type VerifierKey,
} from '#merkle'
import type { Cosigner, WitnessStore } from '../witness/ports.ts'

/** A cosigner whose key is in this process. */
export function testCosigner(
  name = 'witness.example/w1',
  seconds = 1_700_000_000,
): Cosigner & { readonly key: VerifierKey } {
  const { privateKey }: { privateKey: KeyObject } = generateKeyPairSync('ed25519')
  const key = verifierKeyOf(name, 'ed25519-cosignature', privateKey)
  return {
    name,
    key,
    verifierKeys: [encodeVerifierKey(key)],
    cosign: async (_, checkpoint) => {
      const message = signedMessage(key, parseNote(checkpoint).text, seconds)
      return encodeSignatureLines([noteSignature(key, sign(null, message, privateKey), seconds)])
    },
  }
}

/** Remembers in memory, and can be made to stop before it does so. */
export function memoryCheckpoints(): WitnessStore & { readonly evidence: string[] } {
  const notes = new Map<string, string>()
  const evidence: string[] = []
  return {
    evidence,
    newest: async (origin) => notes.get(origin),
    replace: async (origin, expected, note) => {
      if (notes.get(origin) !== expected) return false
      notes.set(origin, note)
      return true
    },
    keepEvidence: async (_, text) => {
      if (!evidence.includes(text)) evidence.push(text)
      return 'memory'
    },
  }
}
