import { DnsSinkhole, type NameReport } from './dns-sinkhole.ts'
import { readLines } from './lines.ts'
import { NpmRegistry, type ServedPackage } from './npm-registry.ts'

// A process without any privilege that answers what the build may talk to: a resolver that knows no name, and the npm
// registry of the step's own materials. What the build sends arrives here and nowhere else.

/** What the supervisor says: first `start`, then the others, one per line. */
export type ServicesRequest =
  | { readonly type: 'start'; readonly packages?: readonly ServedPackage[] }
  | { readonly type: 'forget' }
  | { readonly type: 'report' }

/** What is answered, one per line. `bad-tarball` comes unasked. */
export type ServicesReply =
  | { readonly type: 'ready' }
  | { readonly type: 'forgotten' }
  | { readonly type: 'report'; readonly names: NameReport }
  | { readonly type: 'bad-tarball'; readonly name: string; readonly found: string }

const maxRequest = 256 << 20

const sinkhole = new DnsSinkhole()

for await (const line of readLines(process.stdin, maxRequest)) {
  const request = JSON.parse(line) as ServicesRequest
  if (request.type === 'start') {
    await sinkhole.listen()
    if (request.packages !== undefined) await registryOf(request.packages).listen()
    say({ type: 'ready' })
  } else if (request.type === 'forget') {
    sinkhole.forget()
    say({ type: 'forgotten' })
  } else {
    say({ type: 'report', names: sinkhole.report() })
  }
}
process.exit(0)

function registryOf(packages: readonly ServedPackage[]): NpmRegistry {
  return new NpmRegistry(packages, (name, found) => say({ type: 'bad-tarball', name, found }))
}

function say(reply: ServicesReply): void {
  process.stdout.write(`${JSON.stringify(reply)}\n`)
}
