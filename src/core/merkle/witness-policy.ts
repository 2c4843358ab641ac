import { quote, SallyportError } from '#error'
import { parseVerifierKey, type VerifierKey } from './key.ts'
import type { NoteKeyType } from './key-format.ts'

/** A witness that a policy names. */
export interface PolicyWitness {
  /** Within the policy; the name of its key may be another. */
  readonly name: string
  readonly key: VerifierKey
  /** Where checkpoints are submitted to. */
  readonly url?: string
}

/** Who has to have cosigned. A group stands when at least `threshold` of its members do. */
export type Quorum =
  | { readonly kind: 'none' }
  | { readonly kind: 'witness'; readonly name: string }
  | { readonly kind: 'group'; readonly threshold: number; readonly members: readonly Quorum[] }

/** When a checkpoint counts as witnessed (C2SP tlog-policy). */
export interface WitnessPolicy {
  readonly logs: readonly { readonly key: VerifierKey; readonly url?: string }[]
  readonly witnesses: readonly PolicyWitness[]
  readonly quorum: Quorum
}

const maxBytes = 1_000_000
const maxOfEach = 256

/** Whether these witnesses, by their names in the policy, are a quorum. */
export function isQuorum(quorum: Quorum, names: ReadonlySet<string>): boolean {
  switch (quorum.kind) {
    case 'none':
      return true
    case 'witness':
      return names.has(quorum.name)
    case 'group':
      return quorum.members.filter((member) => isQuorum(member, names)).length >= quorum.threshold
  }
}

/** Reads a policy file. `file` is how it is named in problems. */
export function parseWitnessPolicy(bytes: Uint8Array, file: string): WitnessPolicy {
  if (bytes.length > maxBytes)
    throw malformed(file, `at most ${maxBytes} bytes`, `${bytes.length} bytes`)
  // Octets, not characters: names are compared as they are written.
  const reader = new Reader(file)
  const lines = Buffer.from(bytes).toString('latin1').split('\n')
  for (const [at, line] of lines.entries()) reader.read(line, at + 1)
  return reader.end()
}

class Reader {
  readonly #file: string
  readonly #logs: { key: VerifierKey; url?: string }[] = []
  readonly #witnesses: PolicyWitness[] = []
  /** What is defined so far, by name. */
  readonly #defined = new Map<string, Quorum>()
  readonly #members = new Set<string>()
  #quorum: Quorum | undefined
  #where = ''

  constructor(file: string) {
    this.#file = file
  }

  read(line: string, number: number): void {
    this.#where = `${this.#file}:${number}`
    // oxlint-disable-next-line no-control-regex -- these are what a policy must not hold
    if (/[\u0000-\u0008\u000b-\u001f\u007f]/.test(line))
      throw this.#wrong('tab as the only control character', 'another one')
    const [word = '', ...items] = line.split(/[ \t]+/).filter((item) => item !== '')
    if (word === '' || word.startsWith('#')) return
    switch (word) {
      case 'log':
        return this.#log(items)
      case 'witness':
        return this.#witness(items)
      case 'group':
        return this.#group(items)
      case 'quorum':
        return this.#setQuorum(items)
      default:
        throw this.#wrong('log, witness, group or quorum', quote(utf8(word), 40))
    }
  }

  end(): WitnessPolicy {
    this.#where = this.#file
    if (this.#quorum === undefined) throw this.#wrong('one line "quorum NAME"', 'none')
    return { logs: this.#logs, witnesses: this.#witnesses, quorum: this.#quorum }
  }

  #log([vkey, url, ...rest]: readonly string[]): void {
    if (vkey === undefined || rest.length > 0) throw this.#wrong('log VKEY [URL]', 'other items')
    const key = this.#key(vkey, ['ed25519', 'ml-dsa-44', 'ecdsa'])
    this.#distinct(key, this.#logs)
    this.#logs.push({ key, ...urlOf(url) })
  }

  #witness([name, vkey, url, ...rest]: readonly string[]): void {
    if (name === undefined || vkey === undefined || rest.length > 0)
      throw this.#wrong('witness NAME VKEY [URL]', 'other items')
    const key = this.#key(vkey, ['ed25519-cosignature', 'ml-dsa-44'])
    this.#distinct(key, this.#witnesses)
    const shown = utf8(name)
    this.#define(name, { kind: 'witness', name: shown })
    this.#witnesses.push({ name: shown, key, ...urlOf(url) })
  }

  #group([name, count, ...names]: readonly string[]): void {
    if (name === undefined || count === undefined || names.length === 0)
      throw this.#wrong('group NAME all|any|K MEMBER…', 'other items')
    const members = names.map((member) => this.#member(member))
    const threshold = thresholdOf(count, members.length)
    if (threshold === undefined)
      throw this.#wrong(`all, any, or a number from 1 to ${members.length}`, quote(utf8(count), 40))
    this.#define(name, { kind: 'group', threshold, members })
  }

  #member(name: string): Quorum {
    const member = this.#defined.get(name)
    if (member === undefined) throw this.#undefined(name)
    // Else one witness could count twice.
    if (this.#members.has(name))
      throw this.#wrong('each name to be a member once', quote(utf8(name), 40))
    this.#members.add(name)
    return member
  }

  #setQuorum([name, ...rest]: readonly string[]): void {
    if (name === undefined || rest.length > 0) throw this.#wrong('quorum NAME', 'other items')
    if (this.#quorum !== undefined) throw this.#wrong('one line "quorum NAME"', 'a second one')
    const quorum: Quorum | undefined = name === 'none' ? { kind: 'none' } : this.#defined.get(name)
    if (quorum === undefined) throw this.#undefined(name)
    this.#quorum = quorum
  }

  #define(name: string, meaning: Quorum): void {
    if (name === 'none' || this.#defined.has(name))
      throw this.#wrong('a name that is not taken', quote(utf8(name), 40))
    if (this.#defined.size >= 2 * maxOfEach)
      throw this.#wrong(`at most ${2 * maxOfEach} witnesses and groups`, 'more')
    this.#defined.set(name, meaning)
  }

  #key(text: string, types: readonly NoteKeyType[]): VerifierKey {
    const key = keyIn(utf8(text), this.#where)
    if (types.includes(key.type)) return key
    throw this.#wrong(`a key of type ${types.join(' or ')}`, key.type)
  }

  #distinct(key: VerifierKey, others: readonly { readonly key: VerifierKey }[]): void {
    if (others.length >= maxOfEach) throw this.#wrong(`at most ${maxOfEach} of a kind`, 'more')
    const same = others.find((other) => Buffer.compare(other.key.publicKey, key.publicKey) === 0)
    if (same === undefined) return
    throw this.#wrong('a key that no line above has', `the key of ${quote(same.key.name, 60)}`)
  }

  #undefined(name: string): SallyportError {
    return this.#wrong('a name that a line above defines', quote(utf8(name), 40))
  }

  #wrong(expected: string, found: string): SallyportError {
    return malformed(this.#where, expected, found)
  }
}

function keyIn(vkey: string, where: string): VerifierKey {
  try {
    return parseVerifierKey(vkey)
  } catch (cause) {
    const [problem] = cause instanceof SallyportError ? cause.problems : []
    throw problem === undefined ? cause : new SallyportError({ ...problem, where }, { cause })
  }
}

function thresholdOf(count: string, members: number): number | undefined {
  if (count === 'all') return members
  if (count === 'any') return 1
  const value = /^[1-9][0-9]{0,3}$/.test(count) ? Number(count) : 0
  return value >= 1 && value <= members ? value : undefined
}

function urlOf(url: string | undefined): { url?: string } {
  return url === undefined ? {} : { url: utf8(url) }
}

function utf8(octets: string): string {
  return Buffer.from(octets, 'latin1').toString('utf8')
}

function malformed(where: string, expected: string, found: string): SallyportError {
  return new SallyportError({
    code: 'WITNESS_POLICY_MALFORMED',
    where,
    expected,
    found,
    fix: 'Correct the line: https://c2sp.org/tlog-policy has the format',
  })
}
