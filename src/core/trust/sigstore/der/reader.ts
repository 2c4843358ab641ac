import { fetchAgain, refuse } from '../problem.ts'

/** Tags of X.690 that certificates and time stamps use. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** `[n]` of a simple type, implicitly tagged. */
  primitive: (n: number): number => 0x80 | n,
  /** `[n]` around other elements. */
  constructed: (n: number): number => 0xa0 | n,
} as const

/** One element: a place in the bytes that it was read from. */
export class DerElement {
  readonly tag: number
  /** Where its tag stands. */
  readonly start: number
  /** Where its content begins. */
  readonly body: number
  readonly end: number
  readonly where: string
  readonly #source: Buffer

  constructor(
    source: Buffer,
    place: { readonly tag: number; readonly start: number; readonly body: number; end: number },
    where: string,
  ) {
    this.#source = source
    this.tag = place.tag
    this.start = place.start
    this.body = place.body
    this.end = place.end
    this.where = where
  }

  /** Tag, length and content. */
  get whole(): Buffer {
    return this.#source.subarray(this.start, this.end)
  }

  get content(): Buffer {
    return this.#source.subarray(this.body, this.end)
  }

  /** The content in hexadecimal. */
  get hex(): string {
    return this.#source.toString('hex', this.body, this.end)
  }

  /** Reads the elements inside. */
  children(): DerReader {
    return new DerReader(this.#source, this.where, this.body, this.end)
  }
}

/**
 * Reads DER (X.690 §10) from bytes that an attacker may have chosen: one-byte tags, definite and shortest lengths,
 * nothing beyond the end. It never recurses by itself, so it reads no deeper than the caller asks.
 */
export class DerReader {
  readonly where: string
  readonly #source: Buffer
  readonly #end: number
  #at: number

  constructor(source: Uint8Array, where: string, start = 0, end = source.length) {
    this.#source = Buffer.isBuffer(source)
      ? source
      : Buffer.from(source.buffer, source.byteOffset, source.byteLength)
    this.where = where
    this.#at = start
    this.#end = end
  }

  get isDone(): boolean {
    return this.#at === this.#end
  }

  /** The tag of the next element; undefined at the end. */
  peek(): number | undefined {
    return this.#at < this.#end ? this.#source[this.#at] : undefined
  }

  /** Reads the next element, which must have this tag. */
  read(tag: number): DerElement {
    const found = this.peek()
    if (found !== tag) throw this.#malformed(nameOf(tag), nameOf(found))
    const start = this.#at
    const body = this.#readLength()
    const end = body.start + body.length
    if (end > this.#end) throw this.#malformed('an element that ends where the bytes end', 'less')
    this.#at = end
    return new DerElement(this.#source, { tag, start, body: body.start, end }, this.where)
  }

  /** Reads the next element when it has this tag. */
  readOptional(tag: number): DerElement | undefined {
    return this.peek() === tag ? this.read(tag) : undefined
  }

  /** Reads the next element, whatever its tag. */
  readAny(): DerElement {
    const tag = this.peek()
    // X.690 §8.1.2.4: tags above 30 take several bytes; nothing read here has one. Tag 0 is end-of-contents.
    if (tag === undefined || tag === 0 || (tag & 0x1f) === 0x1f) {
      throw this.#malformed('an element with a one-byte tag', nameOf(tag))
    }
    return this.read(tag)
  }

  /** Refuses bytes that are left over. */
  finish(): void {
    if (!this.isDone) throw this.#malformed('the end', `${this.#end - this.#at} more bytes`)
  }

  #readLength(): { readonly start: number; readonly length: number } {
    const first = this.#source[this.#at + 1]
    if (first === undefined || this.#at + 1 >= this.#end) throw this.#malformed('a length', 'none')
    if (first < 0x80) return { start: this.#at + 2, length: first }
    const size = first & 0x7f
    const start = this.#at + 2 + size
    // X.690 §10.1: definite, and in as few bytes as possible. Three bytes hold 16 MiB, the size of a document.
    if (size === 0 || size > 3 || start > this.#end) {
      throw this.#malformed('a definite length of at most 3 bytes', `${first.toString(16)} (hex)`)
    }
    const length = this.#source.readUIntBE(this.#at + 2, size)
    if (length < 0x80 || length < 2 ** (8 * (size - 1))) {
      throw this.#malformed('the shortest form of a length', `${length} in ${size} bytes`)
    }
    return { start, length }
  }

  #malformed(expected: string, found: string): Error {
    return malformed(`${this.where}, byte ${this.#at}`, expected, found)
  }
}

/** Reads the one element that the bytes are. */
export function readDer(bytes: Uint8Array, tag: number, where: string): DerElement {
  const reader = new DerReader(bytes, where)
  const element = reader.read(tag)
  reader.finish()
  return element
}

export function malformed(where: string, expected: string, found: string, cause?: unknown): Error {
  return refuse('SIGSTORE_DER', where, expected, found, fetchAgain, cause)
}

function nameOf(tag: number | undefined): string {
  if (tag === undefined) return 'the end'
  const known = Object.entries(tags).find(([, value]) => value === tag)
  return known === undefined ? `tag ${tag.toString(16).padStart(2, '0')} (hex)` : known[0]
}
