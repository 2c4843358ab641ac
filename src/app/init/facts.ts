import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { homeOf, type ConfigOptions } from '#config'
import { parseJson } from '#document'
import { quote, SallyportError } from '#error'
import { canonicalUri } from '#source'
import { inspectCheckout } from '../checkout.ts'
import { readNamed } from '../input.ts'
import type { HomeFacts } from './templates.ts'

export interface FactOptions extends ConfigOptions {
  readonly repository?: string
  readonly service?: string
}

const recipe = 'sallyport.build.json'

/** What the texts of a new home say, from the checkout it is made in or from what was asked for. */
export async function homeFacts(options: FactOptions): Promise<HomeFacts> {
  const artifact = await packageOf(options.cwd)
  const service = options.service ?? serviceOf(artifact ?? basename(options.cwd))
  checkService(service)
  return {
    repository: repositoryOf(options),
    recipe,
    service,
    artifact: artifact ?? `pkg:generic/${service}`,
    namesRefs: await namesRefs(options),
  }
}

/** A repository that is named by its address has branches; a checkout of a bare commit, as some CI systems make it, has none. */
async function namesRefs(options: FactOptions): Promise<boolean> {
  if (options.repository !== undefined) return true
  try {
    return (await inspectCheckout(options.cwd, homeOf(options))).ref !== undefined
  } catch (error) {
    if (error instanceof SallyportError && error.code === 'CHECKOUT_EMPTY') return true
    throw error
  }
}

function repositoryOf(options: FactOptions): string {
  if (options.repository !== undefined) return canonicalUri(options.repository)
  try {
    return canonicalUri(options.cwd)
  } catch (cause) {
    if (!(cause instanceof SallyportError)) throw cause
    const fix =
      'Run this in a git checkout, or name the repository with --repository, such as --repository https://git.example/acme/shop'
    const { code, expected, found } = cause
    throw new SallyportError({ code, where: options.cwd, expected, found, fix }, { cause })
  }
}

/** The package that the recipe of this checkout makes, without its version. */
async function packageOf(cwd: string): Promise<string | undefined> {
  const file = join(cwd, recipe)
  if (!existsSync(file)) return undefined
  const { bytes } = await readNamed(file, cwd)
  const value = parseJson(bytes, { what: recipe })
  const purl = typeof value === 'object' && value !== null && 'package' in value && value['package']
  return typeof purl === 'string' && /^pkg:[a-z][\w.+-]*\/[^@?#\s]+$/.test(purl) ? purl : undefined
}

function serviceOf(text: string): string {
  return text
    .slice(text.lastIndexOf('/') + 1)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
    .slice(0, 64)
}

function checkService(service: string): void {
  if (/^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/.test(service)) return
  throw new SallyportError({
    code: 'USAGE_VALUE',
    where: '--service',
    expected: 'a name of lower-case letters, digits, ".", "_" and "-"',
    found: quote(service),
    fix: 'Name the service with --service, such as --service shop',
  })
}
