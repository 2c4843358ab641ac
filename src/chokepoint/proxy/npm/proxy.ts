import { quote, SallyportError } from '#error'
import { askAdvisories } from './advisories.ts'
import { answerPackument } from './answer-packument.ts'
import { answerTarball } from './answer-tarball.ts'
import { openPackages } from './packages.ts'
import type { NpmProxyPorts } from './ports.ts'
import { replyOfError, replyOfProblems, type NpmReply } from './reply.ts'
import type { NpmRequest } from './request.ts'
import { routeOf, type Route } from './route.ts'
import type { NpmProxySettings } from './settings.ts'

/** An npm registry that hands out only what the policies let in. */
export interface NpmProxy {
  /** Answers one request. Rejects only with what was not foreseen. */
  answer(request: NpmRequest): Promise<NpmReply>
  /** How many names that are bound elsewhere the public registry has. */
  readonly impostors: number
  /** Resolves when nothing goes on behind anybody's back. */
  idle(): Promise<void>
}

export function openNpmProxy(settings: NpmProxySettings, ports: NpmProxyPorts): NpmProxy {
  const packages = openPackages(settings, ports)
  const answer = async (route: Route, request: NpmRequest): Promise<NpmReply> => {
    switch (route.kind) {
      case 'packument':
        return answerPackument(route.name, request, packages)
      case 'tarball':
        return answerTarball(route.name, route.version, request, packages)
      case 'advisories': {
        if (settings.audit === 'refuse') return notOffered(request)
        const { encoding } = request
        const asked = { body: await request.body(), encoding }
        return json(await askAdvisories(asked, settings, ports))
      }
      case 'ping':
        return json('{}')
      case 'other':
        return notOffered(request)
    }
  }
  return {
    async answer(request) {
      try {
        return await answer(routeOf(request.method, request.url), request)
      } catch (error) {
        if (error instanceof SallyportError) return replyOfError(error)
        throw error
      }
    },
    get impostors() {
      return packages.impostors.found
    },
    idle: () => packages.impostors.idle(),
  }
}

function json(body: string): NpmReply {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  return { status: 200, headers, body }
}

function notOffered({ method, url }: NpmRequest): NpmReply {
  const problem = {
    code: 'NPM_NOT_OFFERED' as const,
    where: quote(`${method} ${url}`, 200),
    expected: 'a package, a tarball or an audit',
    found: 'something else, such as login, publish or search',
    fix: 'Ask the registry itself: `npm --registry ADDRESS …`',
  }
  return replyOfProblems([problem], method === 'GET' || method === 'POST' ? 404 : 405)
}
