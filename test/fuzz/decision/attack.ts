// What somebody can do who collects, changes and adds evidence, and has keys that nobody trusts, or the wrong ones.
import { sign } from 'node:crypto'
import { pae } from '#attestation'
import type { Json, JsonObject } from '#document'
import { mutateBytes } from '../mutate/bytes.ts'
import { mutateJson, writeOddly } from '../mutate/json.ts'
import { mutateText } from '../mutate/words.ts'
import type { Random } from '../random.ts'
import { keyOf } from './keys.ts'
import type { World } from './worlds.ts'

const stranger = keyOf('stranger')

/** The evidence of a world after one to three deeds. */
export function attack(world: World, random: Random): readonly Buffer[] {
  let items = world.items
  for (let count = 1 + random.below(3); count > 0; count -= 1) items = deed(items, world, random)
  return items
}

function deed(items: readonly Buffer[], world: World, random: Random): readonly Buffer[] {
  const at = random.below(items.length)
  const one = items[at] ?? random.pick(world.pool)
  const put = (bytes: Buffer): readonly Buffer[] =>
    items.map((old, index) => (index === at ? bytes : old))
  switch (random.below(10)) {
    case 0:
      return items.filter((_, index) => index !== at)
    case 1:
      return [...items, one].toSorted(() => random.below(3) - 1)
    case 2:
      return [...items, random.pick(world.pool)]
    case 3:
      return put(random.pick(world.pool))
    case 4:
      return [...items, signedAnew(one, world, random)]
    case 5:
      return put(signedAnew(one, world, random))
    default:
      return put(changed(one, world.pool, random))
  }
}

function changed(bytes: Buffer, pool: readonly Buffer[], random: Random): Buffer {
  const json = jsonOf(bytes)
  if (json === undefined) return Buffer.from(mutateText(bytes.toString(), [], random))
  if (random.once(12)) return mutateBytes(bytes, [random.pick(pool)], random)
  const other = jsonOf(random.pick(pool))
  const changedJson = mutateJson(json, other === undefined ? [] : [other], random)
  return Buffer.from(writeOddly(changedJson, random))
}

/** Another statement under a key that nobody trusts; or the same one under the key of another role. */
function signedAnew(bytes: Buffer, world: World, random: Random): Buffer {
  const json = jsonOf(bytes)
  const envelope = envelopeOf(json)
  if (envelope === undefined) return bytes
  const { payload, payloadType } = envelope
  const names = Object.keys(roles)
  const borrowed = random.once(2) ? roles[random.pick(names)] : undefined
  const signed = borrowed === undefined ? retold(payload, random) : payload
  const { privateKey, keyid } = borrowed ?? stranger
  const sig = sign(null, pae(payloadType, signed), privateKey).toString('base64')
  const genuine = (json as JsonObject)['verificationMaterial'] ?? {
    publicKey: { hint: random.pick([keyid, ...keyids(world)]) },
  }
  const dsseEnvelope: JsonObject = {
    payload: signed.toString('base64'),
    payloadType,
    signatures: [{ sig }],
  }
  const alone = { ...dsseEnvelope, signatures: [{ keyid: random.pick(keyids(world)), sig }] }
  const mediaType = 'application/vnd.dev.sigstore.bundle.v0.3+json'
  return Buffer.from(
    JSON.stringify(
      random.once(3) ? alone : { mediaType, verificationMaterial: genuine, dsseEnvelope },
    ),
  )
}

/** Keys of the world whose keys everybody has; a statement signed with one of them unchanged is signed by nobody new. */
const roles = Object.fromEntries(
  ['builder', 'alice', 'bob', 'carol', 'dave', 'scs', 'tester', 'scanner', 'verifier'].map(
    (name) => [name, keyOf(name)],
  ),
)

function keyids({ input: { trust } }: World): readonly string[] {
  const ids = [...trust.signers.values()].flatMap(({ keys }) => keys.map(({ keyid }) => keyid))
  return ids.length === 0 ? ['none'] : ids
}

function retold(payload: Buffer, random: Random): Buffer {
  const statement = jsonOf(payload)
  if (statement === undefined) return payload
  return Buffer.from(JSON.stringify(mutateJson(statement, [], random)))
}

function envelopeOf(
  json: Json | undefined,
): { readonly payload: Buffer; readonly payloadType: string } | undefined {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined
  const envelope = ((json as JsonObject)['dsseEnvelope'] ?? json) as JsonObject
  const { payload, payloadType } = envelope
  if (typeof payload !== 'string' || typeof payloadType !== 'string') return undefined
  return { payload: Buffer.from(payload, 'base64'), payloadType }
}

function jsonOf(bytes: Buffer): Json | undefined {
  try {
    return JSON.parse(bytes.toString()) as Json
  } catch {
    return undefined
  }
}
