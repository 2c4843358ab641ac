import type { Json } from '#document'

/** A document as YAML, as people write it; every text that could be read as anything else is quoted. */
export function yamlText(value: Json): string {
  return `${block(value, 0).join('\n')}\n`
}

function block(value: Json, depth: number): string[] {
  const pad = '  '.repeat(depth)
  if (Array.isArray(value) && value.length > 0) {
    return (value as readonly Json[]).flatMap((one) => {
      const [first = '', ...rest] = block(one, depth + 1)
      return [`${pad}- ${first.trimStart()}`, ...rest]
    })
  }
  if (isMap(value) && Object.keys(value).length > 0) {
    return Object.entries(value).flatMap(([name, member]) => entry(name, member, depth))
  }
  return [pad + scalar(value)]
}

function entry(name: string, value: Json, depth: number): string[] {
  const pad = '  '.repeat(depth)
  const key = pad + scalar(name)
  if (typeof value === 'string' && isLiteral(value)) {
    const lines = value.slice(0, -1).split('\n')
    return [`${key}: |`, ...lines.map((line) => `${pad}  ${line}`)]
  }
  const isShort = Array.isArray(value) && value.every((one) => typeof one !== 'object')
  if (isShort) return [`${key}: [${(value as readonly Json[]).map(scalar).join(', ')}]`]
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) {
    return [`${key}: ${scalar(value)}`]
  }
  return [`${key}:`, ...block(value, depth + 1)]
}

function isMap(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Lines of plain characters, each with something in it: what a PEM block is. */
function isLiteral(text: string): boolean {
  return /^(?:[!-~][ -~]*\n){2,}$/.test(text)
}

function scalar(value: Json): string {
  if (typeof value !== 'string') return JSON.stringify(value)
  const isPlain = /^[A-Za-z][A-Za-z0-9_./@+-]*(?::[A-Za-z0-9_./@+-]+)*$/.test(value)
  const isWord = /^(?:true|false|null|yes|no|on|off|y|n)$/i.test(value)
  return isPlain && !isWord ? value : JSON.stringify(value)
}
