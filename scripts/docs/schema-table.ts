/** A JSON Schema, as far as these pages read it. */
export interface Schema {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema | boolean
  readonly propertyNames?: Schema
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly pattern?: string
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly maxItems?: number
}

/** A table of every field of a schema, with those inside it; `leave` names fields that have a section of their own. */
export function fieldTable(schema: Schema, leave: readonly string[] = []): readonly string[] {
  return [
    '| field | what may stand there | default | meaning |',
    '| --- | --- | --- | --- |',
    ...rowsOf(schema, '', leave),
  ]
}

function rowsOf(schema: Schema, path: string, leave: readonly string[]): readonly string[] {
  const { properties = {}, required = [] } = schema
  return Object.entries(properties).flatMap(([name, field]) => {
    const here = path === '' ? name : `${path}.${name}`
    const row = [
      `\`${here}\``,
      typeOf(field),
      defaultOf(field, required.includes(name)),
      field.description ?? '',
    ]
    const inside = leave.includes(here) ? [] : insideOf(field, here, leave)
    return [`| ${row.map(cell).join(' | ')} |`, ...inside]
  })
}

/** Fields of whatever stands in a field: of a mapping, of each entry of a list or table, of each form it can have. */
function insideOf(field: Schema, path: string, leave: readonly string[]): readonly string[] {
  const { items, additionalProperties, anyOf = [] } = field
  const forms = anyOf.flatMap((form) => insideOf(form, path, leave))
  return [
    ...rowsOf(field, path, leave),
    ...(items === undefined ? [] : insideOf(items, `${path}[]`, leave)),
    ...(typeof additionalProperties === 'object'
      ? insideOf(additionalProperties, `${path}.<name>`, leave)
      : []),
    ...forms.filter((row, index) => forms.indexOf(row) === index),
  ]
}

function defaultOf(field: Schema, isRequired: boolean): string {
  if (field.default !== undefined) return `\`${JSON.stringify(field.default)}\``
  return isRequired ? '**needed**' : ''
}

const kinds: Readonly<Record<string, string>> = {
  string: 'text',
  boolean: 'true or false',
  number: 'number',
  null: 'null',
}

function typeOf(field: Schema): string {
  const { anyOf, items, type } = field
  const values = field.const === undefined ? field.enum : [field.const]
  if (values !== undefined) return values.map((value) => `\`${text(value)}\``).join(', ')
  if (anyOf !== undefined) return [...new Set(anyOf.map(typeOf))].join(', or ')
  if (type === 'array') return `list of ${itemsOf(items)}`
  if (type === 'integer') return rangeOf(field)
  if (type === 'string') return textOf(field)
  return type === 'object' ? mappingOf(field) : (kinds[type ?? ''] ?? 'anything')
}

function itemsOf(items: Schema | undefined): string {
  if (items === undefined) return 'anything'
  const forms = typeOf(items)
  return forms.includes(', or ') ? `(${forms})` : forms
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function mappingOf({ properties, additionalProperties }: Schema): string {
  if (typeof additionalProperties === 'object')
    return `mapping from names to ${typeOf(additionalProperties)}`
  const names = Object.keys(properties ?? {})
  if (names.length === 0) return 'mapping'
  return `{${names.slice(0, 4).join(', ')}${names.length > 4 ? ', …' : ''}}`
}

function rangeOf({ minimum, maximum }: Schema): string {
  if (minimum === undefined) return 'whole number'
  const isOpen = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER
  return `whole number from ${minimum}${isOpen ? '' : ` to ${maximum}`}`
}

function textOf({ pattern = '', format }: Schema): string {
  if (format === 'date-time') return 'time with zone (RFC 3339)'
  if (pattern.includes('[mhdw]$')) return 'span of time: `90d`, `4h`'
  return 'text'
}

/** Nothing in a cell may end it. */
export function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
