import { isObject, parseJson, type Json, type JsonObject } from '#document'
import { quote, SallyportError } from '#error'

/** What another policy engine says. `undefined`: it has said neither yes nor no. */
export interface ExternalResult {
  readonly verdict: 'allow' | 'deny' | 'undefined'
  /** Why, in its own words, cut to what a log entry holds; the whole result is kept as it was. */
  readonly explanation: readonly string[]
}

const what = 'the result of the other engine'
const maxBytes = 1024 * 1024
const maxReasons = 16
const maxLength = 500

/**
 * Reads what another engine has said: `{"allow": true|false, "reasons": […]}`, as it is or as OPA wraps it (`opa eval`,
 * `opa exec`, the Data API). A list `deny` counts as reasons. Nothing but a literal `true` is a yes, and a verdict without an
 * explanation is none.
 *
 * @throws SallyportError EXTERNAL_VERDICT_MALFORMED, DOCUMENT_…
 */
export function readExternalResult(bytes: Uint8Array): ExternalResult {
  const value = unwrapped(parseJson(bytes, { what, maxBytes }))
  if (value === undefined)
    return {
      verdict: 'undefined',
      explanation: ['its result is undefined: no rule has said anything'],
    }
  if (!isObject(value)) throw malformed('an object with "allow" and "reasons"', shown(value))
  const { allow } = value
  if (typeof allow !== 'boolean') throw malformed('"allow": true or false', shown(allow))
  const denials = textsOf(value, 'deny')
  if (allow && denials.length > 0)
    throw malformed('a verdict that does not contradict itself', '"allow": true beside "deny"')
  const explanation = [...textsOf(value, 'reasons'), ...denials]
  if (explanation.length === 0)
    throw malformed('an explanation: a list "reasons" of texts', 'a verdict without one')
  return {
    verdict: allow ? 'allow' : 'deny',
    explanation: explanation.slice(0, maxReasons).map(cut),
  }
}

/** What the engine says, without what it is wrapped in; undefined when it says nothing. */
function unwrapped(value: Json): Json | undefined {
  if (!isObject(value)) return value
  if (Object.hasOwn(value, 'errors') || Object.hasOwn(value, 'error'))
    throw malformed('a result', `an error: ${shown(value['errors'] ?? value['error'])}`)
  if (!Object.hasOwn(value, 'result')) return Object.keys(value).length === 0 ? undefined : value
  const { result } = value
  return Array.isArray(result) ? onlyOf(result as readonly Json[]) : result
}

/** The one result in a list of them. */
function onlyOf(list: readonly Json[]): Json | undefined {
  const [only] = list
  if (only === undefined) return undefined
  if (list.length > 1 || !isObject(only)) throw malformed('one result', `${list.length} results`)
  if (Object.hasOwn(only, 'expressions')) return expressionOf(only)
  if (Object.hasOwn(only, 'result')) return only['result']
  throw malformed('one result', shown(only))
}

function expressionOf({ expressions }: JsonObject): Json | undefined {
  const list = Array.isArray(expressions) ? (expressions as readonly Json[]) : []
  const [only] = list
  if (list.length === 1 && only !== undefined && isObject(only)) return only['value']
  throw malformed('one expression', `${list.length} expressions`)
}

function textsOf(value: JsonObject, name: 'reasons' | 'deny'): readonly string[] {
  const given = Object.hasOwn(value, name) ? value[name] : []
  const list = typeof given === 'string' ? [given] : given
  const isTexts = Array.isArray(list) && list.every((one) => typeof one === 'string')
  if (!isTexts) throw malformed(`"${name}": a list of texts`, shown(given))
  return (list as readonly string[]).filter((text) => text.trim() !== '')
}

function cut(text: string): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 1).toWellFormed()}…`
}

function shown(value: Json | undefined): string {
  return value === undefined ? 'nothing' : quote(JSON.stringify(value), 200)
}

function malformed(expected: string, found: string): SallyportError {
  return new SallyportError({
    code: 'EXTERNAL_VERDICT_MALFORMED',
    where: what,
    expected,
    found,
    fix: 'Have the policy of the other engine give {"allow": true or false, "reasons": ["why", …]}, and ask for exactly that',
  })
}
