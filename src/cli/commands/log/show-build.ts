import type { LoggedBuildEntry, LoggedBuildRecord, LoggedVerdict } from '#app'
import type { JsonObject } from '#document'
import { escapeLine } from '../../escape.ts'
import type { Outcome } from '../../outcome.ts'
import type { Look } from '../../render.ts'

type Logged = LoggedBuildEntry | LoggedBuildRecord | LoggedVerdict

/** A build, the record of one of somebody else, or what another engine said, as a line of `sallyport log show`. */
export function buildRow(logged: Logged, { paint }: Look): string[] {
  const { time } = bodyOf(logged)
  const [word, about, who, more] = wordsOf(logged)
  const isBad = word === 'build failed' || word.startsWith('not allowed')
  return [
    paint.faint(String(logged.index)),
    paint.faint(escapeLine(time.slice(0, 19).concat('Z'))),
    isBad ? paint.bad(word) : paint.good(word),
    escapeLine(about),
    escapeLine(who),
    paint.faint(escapeLine(more)),
  ]
}

function wordsOf(logged: Logged): readonly [string, string, string, string] {
  if ('externalVerdict' in logged) {
    const { by, verdict, artifact, target, decision } = logged.externalVerdict
    const word = verdict === 'allow' ? `allowed, says ${by.name}` : `not allowed, says ${by.name}`
    const where = `${target.environment}/${target.service}`
    return [word, where, artifact.name, `about decision ${decision.entry}, which stays`]
  }
  if ('buildRecord' in logged) {
    const { requester, recorded } = logged.buildRecord
    const { source, artifacts, build } = recorded
    return ['build recorded', commitOf(source), namesOf(artifacts), `of ${requester}, ${build}`]
  }
  const { build } = logged
  switch (build.kind) {
    case 'BuildBegun': {
      const { repository, revision } = build.request
      const { principal, requester } = build.trigger
      return ['build begun', `${repository} ${revision}`, principal ?? requester, build.build]
    }
    case 'BuildDefined':
      return ['build defined', commitOf(build.source), `${build.inputCount} inputs`, build.build]
    case 'BuildEnded':
      return build.outcome === 'failed'
        ? ['build failed', build.problems.join(', '), '', build.build]
        : [`build ended: ${build.outcome}`, '', namesOf(build.artifacts), build.build]
  }
}

function commitOf({ uri, commit }: { readonly uri: string; readonly commit: string }): string {
  return `${uri} ${commit.slice(0, 12)}`
}

function namesOf(artifacts: readonly { readonly name: string }[]): string {
  return artifacts.map(({ name }) => name).join(', ')
}

function bodyOf(logged: Logged) {
  if ('build' in logged) return logged.build
  return 'buildRecord' in logged ? logged.buildRecord : logged.externalVerdict
}

/** Everything that such an entry says, as lines of `name value`. */
export function oneBuild(logged: Logged): Outcome {
  const { index, ...entry } = logged
  const body = bodyOf(logged) as unknown as JsonObject
  return {
    exit: 0,
    json: {
      apiVersion: 'sallyport.dev/v1',
      kind: 'LogEntry',
      index,
      ...(entry as unknown as JsonObject),
    },
    text: linesOf(body).map(escapeLine).join('\n'),
  }
}

function linesOf(value: JsonObject, prefix = ''): string[] {
  return Object.entries(value).flatMap(([name, member]) => {
    const path = Array.isArray(value)
      ? `${prefix}[${name}]`
      : prefix === ''
        ? name
        : `${prefix}.${name}`
    return typeof member === 'object' && member !== null
      ? linesOf(member as JsonObject, path)
      : [`${path}  ${String(member)}`]
  })
}
