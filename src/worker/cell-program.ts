import { readdirSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { extname, join } from 'node:path'

let program: ReadonlyMap<string, string> | undefined

/**
 * The files of `cell/` as JavaScript, name -> content. They import nothing but each other and Node itself, so this is
 * all that runs in a cell. Types are stripped here, once, because it takes longer than starting the program.
 */
export function cellProgram(): ReadonlyMap<string, string> {
  program ??= readProgram()
  return program
}

function readProgram(): ReadonlyMap<string, string> {
  const folder = join(import.meta.dirname, 'cell')
  const extension = extname(import.meta.filename)
  const names = readdirSync(folder).filter(
    (name) => extname(name) === extension && !name.includes('.test.'),
  )
  return new Map([
    ['package.json', '{"type":"module"}\n'],
    ...names.map((name): [string, string] => {
      const source = readFileSync(join(folder, name), 'utf8')
      return [
        `${name.slice(0, -extension.length)}.js`,
        extension === '.ts' ? asJavaScript(source) : source,
      ]
    }),
  ])
}

function asJavaScript(source: string): string {
  const original = Object.getOwnPropertyDescriptor(process, 'emitWarning')
  // Node calls its own type stripping experimental when it is asked for by name.
  process.emitWarning = () => {}
  try {
    return stripTypeScriptTypes(source).replace(/(from '\.\/[a-z0-9-]+)\.ts'/g, "$1.js'")
  } finally {
    if (original !== undefined) Object.defineProperty(process, 'emitWarning', original)
  }
}
