import { lasting } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import type { PackageName } from './name.ts'
import type { NpmProxyPorts } from './ports.ts'
import type { NpmProxySettings } from './settings.ts'
import { fetchSmallPackument } from './upstream.ts'

/** Looks whether the upstream has packages of names that are bound elsewhere (MAT-29). It is only looked, never taken. */
export interface ImpostorWatch {
  /** Looks once a day for each name, behind the back of whoever asks. */
  look(name: PackageName): void
  /** How many were found. */
  readonly found: number
  /** Resolves when nothing is being looked for. */
  idle(): Promise<void>
}

const againMs = 24 * 3_600_000
const maxNames = 10_000
/** Of what is larger than this nobody needs the rest to know that it is there. */
const enoughBytes = 1_000_000

export function watchImpostors(settings: NpmProxySettings, ports: NpmProxyPorts): ImpostorWatch {
  const looked = new Map<string, number>()
  const found = new Set<string>()
  const running = new Set<Promise<void>>()
  const check = async (name: PackageName): Promise<void> => {
    const key = name.full.toLowerCase()
    try {
      if (!(await isPublic(name, settings, ports))) {
        found.delete(key)
        return
      }
      const problem = impostor(name, settings)
      await ports.refuse({ package: name.full, registry: settings.upstream.url }, 'gate', [problem])
      found.add(key)
      ports.tell('a public package has a name that is bound elsewhere', { problems: [problem] })
    } catch (error) {
      looked.delete(key)
      ports.tell('not known whether a name is public', {
        package: name.full,
        message: error instanceof Error ? error.message : 'unknown',
      })
    }
  }
  return {
    look(name) {
      if (!settings.reportPublic) return
      const key = name.full.toLowerCase()
      const now = ports.clock().getTime()
      if (lasting(looked.get(key) ?? -Infinity, now) < againMs) return
      if (looked.size >= maxNames) looked.clear()
      looked.set(key, now)
      const run = check(name).finally(() => running.delete(run))
      running.add(run)
    },
    get found() {
      return found.size
    },
    async idle() {
      await Promise.all(running)
    },
  }
}

async function isPublic(
  name: PackageName,
  { upstream, maxPackumentBytes: maxBytes, upstreamMs: ms }: NpmProxySettings,
  { http }: NpmProxyPorts,
): Promise<boolean> {
  try {
    const binding = { registry: upstream, isBound: false }
    const bounds = { most: enoughBytes, maxBytes, ms }
    await fetchSmallPackument({ http, binding, name }, 'abbreviated', bounds)
    return true
  } catch (error) {
    if (error instanceof SallyportError && error.code === 'NPM_NOT_FOUND') return false
    throw error
  }
}

function impostor({ full }: PackageName, { upstream }: NpmProxySettings): Problem {
  return {
    code: 'NPM_IMPOSTOR',
    where: quote(full, 220),
    expected: 'no package of this name in the public registry',
    found: `one at ${quote(upstream.url, 300)}`,
    fix: 'Find out who published it; whoever installs without this proxy may get it. Have the name handed over, or use a scope of your own',
  }
}
