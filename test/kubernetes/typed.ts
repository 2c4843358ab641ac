import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Commands of one step of "Install in ten minutes". */
export function stepOf(number: number): string {
  const page = readFileSync(join(import.meta.dirname, '../../docs/kubernetes.md'), 'utf8')
  const install = page.split(/^## /m).find((part) => part.startsWith('Install in ten minutes'))
  const [, step] =
    new RegExp(`^\\*\\*${number}\\. (.*?)(?=^\\*\\*\\d\\. |\\Z)`, 'ms').exec(`${install}\\Z`) ?? []
  const blocks = [...(step ?? '').matchAll(/^```\n(.*?)^```$/gms)].map(([, text]) => text)
  if (blocks.length !== 1) throw new Error(`step ${number} has ${blocks.length} blocks of commands`)
  return blocks.join('')
}
