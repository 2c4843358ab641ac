import { isObject, type Json, type JsonObject, type Path } from '#document'
import { quote, SallyportError } from '#error'
import type { ImportEffect, Notes } from './model.ts'
import { invalid } from './problems.ts'

const maxItems = 1024

type Locate = (path: Path) => string

/**
 * The members of an object of a foreign document. Each is taken once; what nobody takes is told by `rest`, so that nothing
 * is dropped in silence.
 *
 * @throws SallyportError IMPORT_INVALID from every method that meets another type than it asks for
 */
export class Fields {
  readonly path: Path
  readonly #value: JsonObject
  readonly #notes: Notes
  readonly #locate: Locate
  readonly #open: Set<string>

  constructor(value: JsonObject, path: Path, notes: Notes, locate: Locate) {
    this.path = path
    this.#value = value
    this.#notes = notes
    this.#locate = locate
    this.#open = new Set(Object.keys(value))
  }

  /** Where the object stands. */
  get where(): string {
    return this.#locate(this.path)
  }

  text(name: string): string | undefined {
    const found = this.#take(name)
    if (found === undefined || typeof found === 'string') return found
    throw this.#wrong(name, 'a text', found)
  }

  flag(name: string): boolean | undefined {
    const found = this.#take(name)
    if (found === undefined || typeof found === 'boolean') return found
    throw this.#wrong(name, 'true or false', found)
  }

  /** A whole number from 1. */
  count(name: string): number | undefined {
    const found = this.#take(name)
    if (found === undefined) return undefined
    if (typeof found === 'number' && Number.isSafeInteger(found) && found > 0) return found
    throw this.#wrong(name, 'a whole number from 1', found)
  }

  object(name: string): Fields | undefined {
    const found = this.#take(name)
    if (found === undefined) return undefined
    if (!isObject(found)) throw this.#wrong(name, 'an object', found)
    return new Fields(found, [...this.path, name], this.#notes, this.#locate)
  }

  /** Every object of a list; undefined when there is no list. */
  objects(name: string): readonly Fields[] | undefined {
    return this.#list(name)?.map((one, index) => {
      if (!isObject(one)) throw this.#wrong(name, 'a list of objects', one)
      return new Fields(one, [...this.path, name, index], this.#notes, this.#locate)
    })
  }

  /** Every text of a list. */
  texts(name: string): readonly string[] | undefined {
    return this.#list(name)?.map((one) => {
      if (typeof one !== 'string') throw this.#wrong(name, 'a list of texts', one)
      return one
    })
  }

  /** Takes a member without reading it, and says what becomes of it. */
  skip(name: string, effect: ImportEffect, text: string): void {
    if (this.#take(name) !== undefined) this.note(name, effect, text)
  }

  /** Says what becomes of a member. */
  note(name: string, effect: ImportEffect, text: string): void {
    this.#notes.add([...this.path, name], effect, text)
  }

  /** Tells of every member that was not taken. */
  rest(): void {
    for (const name of this.#open)
      this.note(name, 'dropped', `${quote(name, 100)} was not converted`)
    this.#open.clear()
  }

  #take(name: string): Json | undefined {
    this.#open.delete(name)
    // What is null is not there.
    return Object.hasOwn(this.#value, name) ? (this.#value[name] ?? undefined) : undefined
  }

  #list(name: string): readonly Json[] | undefined {
    const found = this.#take(name)
    if (found === undefined) return undefined
    if (Array.isArray(found) && found.length <= maxItems) return found as readonly Json[]
    throw this.#wrong(name, `a list of at most ${maxItems}`, found)
  }

  #wrong(name: string, expected: string, found: Json): SallyportError {
    const where = this.#locate([...this.path, name])
    return new SallyportError(invalid(where, expected, quote(found, 100)))
  }
}
