import { createHash, createPrivateKey, createPublicKey } from 'node:crypto'
import { sha256Hex } from '#document'
import type { TestKey } from '../../../src/core/trust/testing/fixtures.ts'

/** The head of an Ed25519 key in PKCS #8 (RFC 8410): 32 bytes follow, and are the key. */
const head = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The key of a name, the same each time: everybody knows it, which is what a fuzzer wants. */
export function keyOf(name: string): TestKey {
  const der = Buffer.concat([head, createHash('sha256').update(`fuzz ${name}`).digest()])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(privateKey)
  return {
    scheme: 'ed25519',
    keyid: sha256Hex(publicKey.export({ type: 'spki', format: 'der' })),
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    privateKey,
  }
}
