import { readFile } from 'node:fs/promises'
import { quote, SallyportError } from '#error'
import { programPath, type Exit } from '../process.ts'

/** The environment for apt, dpkg and gpgv: nothing of the caller's but where its proxies are. */
export function hostEnvironment(): Record<string, string> {
  const proxies = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']
  return {
    PATH: programPath(process.env['PATH']),
    LC_ALL: 'C.UTF-8',
    DEBIAN_FRONTEND: 'noninteractive',
    ...Object.fromEntries(
      proxies.flatMap((name) => {
        const value = process.env[name]
        return value === undefined ? [] : [[name, value]]
      }),
    ),
  }
}

const architectures: Readonly<Record<string, string>> = {
  'linux/amd64': 'amd64',
  'linux/arm64': 'arm64',
}

/** Debian's name for a platform's architecture. */
export function debianArchitecture(platform: string): string {
  const found = Object.hasOwn(architectures, platform) ? architectures[platform] : undefined
  if (found !== undefined) return found
  throw new SallyportError({
    code: 'MATERIALS_PLATFORM',
    where: 'platform',
    expected: Object.keys(architectures).join(' or '),
    found: quote(platform),
    fix: 'Set "platform" of the recipe to one of these',
  })
}

/** The codename of this machine's Debian, `bookworm`. */
export async function machineCodename(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '')
  const codename = /^VERSION_CODENAME="?([a-z][a-z0-9-]*)"?$/m.exec(text)?.[1]
  if (codename !== undefined) return codename
  throw new SallyportError({
    code: 'ROOT_NOT_DEBIAN',
    where: '/etc/os-release',
    expected: 'VERSION_CODENAME of a Debian release',
    found: 'none',
    fix: 'Run this on a Debian machine; only there is a system root of Debian packages to be had',
  })
}

export function aptFailed(program: string, exit: Exit, failure: string): SallyportError {
  if (exit.kind === 'missing') {
    return new SallyportError({
      code: 'ROOT_NOT_DEBIAN',
      where: program,
      expected: `the program ${program}, which Debian brings`,
      found: 'no such program',
      fix:
        program === 'gpgv'
          ? 'Run `apt-get install gpgv`'
          : 'Run this on a Debian machine; only there is a system root of Debian packages to be had',
    })
  }
  return new SallyportError({
    code: 'ROOT_ARCHIVE_UNREACHABLE',
    where: program,
    expected: 'the Debian archive that this machine installs from',
    found: quote(failure, 400),
    fix: 'Run `apt-get update` and correct what it reports; offline, run `sallyport build --root measured`',
  })
}
