// The trust files and policies of docs/pipelines/README.md, as they stand there.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parsePolicies, type PolicySet } from '#policy'
import { parseTrust, trustedRootFiles, type Trust } from '#trust'

const page = readFileSync(
  fileURLToPath(new URL('../../../docs/pipelines/README.md', import.meta.url)),
  'utf8',
)

/** A trust fragment and the policy after it. */
export interface Example {
  /** The heading, and which example below it. */
  readonly name: string
  readonly trust: string
  readonly policy: string
}

const blocks = /```yaml\n(.*?)```/gs

/** Every pair of examples; the last policy of the page uses the signers of all of them. */
export const examples: readonly Example[] = page
  .split(/^## /m)
  .slice(1)
  .flatMap((section) => {
    const [title = ''] = section.split('\n')
    const found = [...section.matchAll(blocks)].map(([, text = '']) => text)
    const trusts = found.filter((text) => !text.startsWith('apiVersion:'))
    const policies = found.filter((text) => text.startsWith('apiVersion:'))
    return trusts.map((trust, index) => ({
      name: index === 0 ? title : `${title} (${index + 1})`,
      trust,
      policy: policies[index] ?? '',
    }))
  })

/** The one policy over everything. */
export const onePolicy = [...page.matchAll(blocks)].at(-1)?.[1] ?? ''

export function exampleOf(name: string): Example {
  const found = examples.find((example) => example.name === name)
  if (found === undefined) throw new Error(`no example ${name}`)
  return found
}

const head = 'apiVersion: sallyport.dev/v1\nkind: Trust\nmetadata: { name: page, owner: page }\n'

/** The trust file that a fragment makes, with one trusted root for every instance that it names. */
export function trustOf(fragment: string, root: Uint8Array): Trust {
  const bytes = Buffer.from(`${head}${fragment}`)
  const file = 'docs/pipelines/README.md'
  const roots = new Map(trustedRootFiles(bytes, { file }).map((path) => [path, root]))
  return parseTrust(bytes, { file, roots })
}

export function policiesOf(policy: string): PolicySet {
  const file = 'docs/pipelines/README.md'
  return parsePolicies([{ file, bytes: Buffer.from(policy) }])
}

/** The text with the names of a real sample in the places of the examples'. */
export function renamed(text: string, names: readonly (readonly [string, string])[]): string {
  return names.reduce((whole, [example, real]) => whole.replaceAll(example, real), text)
}
