// What a yes may rest on, however the evidence has been changed.
//
// An atom is what a genuine signer has signed: the signed bytes, and who vouches for them. Let A(E) be the atoms of
// those pieces of the evidence E that verify. A yes to changed evidence E' is right only if
//
//   1. the signed bytes of every atom in A(E') are bytes that were ever signed: nothing was forged; and
//   2. the untouched pieces whose atoms are in A(E') get a yes by themselves: no change, no rubbish, no order of the
//      pieces, and nobody who signs what is for others to say, has made the yes.
//
// So evidence that is written in another way and says the same keeps its yes, and nothing else gets one.
import { createHash } from 'node:crypto'
import type { Decision } from '#decision'
import { createVerifier, isVerified } from '#trust'
import { readSigned } from '../../../src/core/trust/signed.ts'
import { ask, type World } from './worlds.ts'

interface Atom {
  readonly message: string
  readonly signers: readonly string[]
  /** Whose keys have signed: several people may be one signer. */
  readonly people: readonly string[]
}

/** What stands for an exception that nobody has foreseen. */
const unforeseen = new Set([
  'DECISION_FAILED',
  'EVIDENCE_CHECK_FAILED',
  'RULE_FAILED',
  'SIGSTORE_CHECK_FAILED',
])

/** Asks, and throws when the answer is one that it must not be. */
export function examine(world: World, items: readonly Buffer[]): Decision {
  const decision = ask(world, items)
  refuseUnforeseen(decision)
  if (decision.verdict !== 'ALLOW') return decision
  const genuine = atomsOf(world)
  const found = items.flatMap((bytes) => atomOf(world, bytes) ?? [])
  for (const atom of found) {
    const known = genuine.get(atom.message)
    if (known === undefined) throw new Error(`forged: ${atom.signers.join(', ')} never signed this`)
  }
  // Who has the key of a second reviewer can approve as that one.
  if (found.some((atom) => isSecond(atom, genuine.get(atom.message) ?? []))) return decision
  const untouched = found.flatMap(({ message, signers }) =>
    (genuine.get(message) ?? []).filter((one) =>
      one.signers.some((name) => signers.includes(name)),
    ),
  )
  const pieces = untouched.map(({ bytes }) => bytes)
  if (ask(world, pieces).verdict !== 'ALLOW')
    throw new Error('a yes that the untouched evidence does not get')
  return decision
}

function refuseUnforeseen({ reasons, evidence, rules }: Decision): void {
  const problems = [
    ...reasons,
    ...evidence.flatMap(({ problem }) => problem ?? []),
    ...rules.flatMap((rule) => rule.problems),
  ]
  const bad = problems.find(({ code }) => unforeseen.has(code))
  if (bad !== undefined) throw new Error(`unforeseen: ${bad.code} ${bad.found}`)
}

interface Genuine extends Atom {
  readonly bytes: Buffer
}

/** Whether somebody else has signed the same words, for whom the trust file has the same name. */
function isSecond({ signers, people }: Atom, known: readonly Genuine[]): boolean {
  const ofSame = known.filter((one) => one.signers.some((name) => signers.includes(name)))
  return ofSame.length > 0 && !ofSame.some((one) => one.people.some((who) => people.includes(who)))
}

const remembered = new WeakMap<World, ReadonlyMap<string, readonly Genuine[]>>()

function atomsOf(world: World): ReadonlyMap<string, readonly Genuine[]> {
  const known = remembered.get(world)
  if (known !== undefined) return known
  const atoms = new Map<string, readonly Genuine[]>()
  for (const bytes of world.pool) {
    const atom = atomOf(world, bytes)
    if (atom === undefined) continue
    const { message } = atom
    atoms.set(message, [...(atoms.get(message) ?? []), { ...atom, bytes }])
  }
  remembered.set(world, atoms)
  return atoms
}

function atomOf({ input: { trust, now } }: World, bytes: Buffer): Atom | undefined {
  const result = createVerifier(trust, { rememberBytes: 0 }).open(bytes).verify(now)
  if (!isVerified(result)) return undefined
  const { message } = readSigned(bytes)
  return {
    message: createHash('sha256').update(message).digest('hex'),
    signers: result.signers.map(({ name }) => name),
    people: result.signers.flatMap(({ keys }) => keys.map(({ owner }) => owner)),
  }
}
