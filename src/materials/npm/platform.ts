import { quote, SallyportError } from '#error'

/** A platform in npm's words. */
export interface NpmPlatform {
  readonly os: string
  readonly cpu: string
  readonly libc: string
}

const platforms: Readonly<Record<string, NpmPlatform>> = {
  'linux/amd64': { os: 'linux', cpu: 'x64', libc: 'glibc' },
  'linux/arm64': { os: 'linux', cpu: 'arm64', libc: 'glibc' },
}

/** @throws SallyportError MATERIALS_PLATFORM */
export function npmPlatform(platform: string): NpmPlatform {
  const found = Object.hasOwn(platforms, platform) ? platforms[platform] : undefined
  if (found !== undefined) return found
  throw new SallyportError({
    code: 'MATERIALS_PLATFORM',
    where: 'platform',
    expected: Object.keys(platforms).join(' or '),
    found: quote(platform),
    fix: 'Set "platform" of the recipe to one of these',
  })
}

/** What a package says about where it runs, as npm reads it. */
export interface PlatformFields {
  readonly os?: string | readonly string[] | undefined
  readonly cpu?: string | readonly string[] | undefined
  readonly libc?: string | readonly string[] | undefined
}

/** Whether npm installs a package with these fields on the platform. */
export function runsOn(fields: PlatformFields, platform: NpmPlatform): boolean {
  return (
    allows(fields.os, platform.os) &&
    allows(fields.cpu, platform.cpu) &&
    allows(fields.libc, platform.libc)
  )
}

/** npm's rule: `any` and nothing allow all; a `!name` that matches refuses; only refusals allow the rest. */
function allows(field: string | readonly string[] | undefined, name: string): boolean {
  const list = field === undefined ? [] : typeof field === 'string' ? [field] : field
  if (list.length === 0 || (list.length === 1 && list[0] === 'any')) return true
  if (list.includes(`!${name}`)) return false
  return list.includes(name) || list.every((item) => item.startsWith('!'))
}
