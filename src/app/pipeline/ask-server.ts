import type { Ask } from '#api'
import { decisionExitCode, type Target } from '#decision'
import { cut, encodeCanonical, type Json } from '#document'
import { SallyportError } from '#error'
import { openNetwork } from '../artifact/network.ts'
import {
  targetsOf,
  type GateAnswer,
  type GateOptions,
  type GateRecord,
  type ServerPlace,
} from './options.ts'
import type { PinnedFiles } from './pinned.ts'
import { post } from './post.ts'
import type { Asked } from './question.ts'
import { readAnswer } from './server-answer.ts'
import { addressOf, authoritiesOf } from './server-place.ts'
import { nowhere, questionFor, type Question } from './server-question.ts'
import { readToken } from './token.ts'

const timeoutMs = 30_000

/** Asks a gate that runs. What it says is taken for an answer only when it is one to exactly this question. */
export async function askServer(
  server: ServerPlace,
  options: GateOptions,
  files: PinnedFiles | undefined,
) {
  const { artifacts, bundles, target, from, env } = options
  const url = addressOf(server.url, '/api/v1/decisions')
  if (options.evidence.length > 0) throw elsewhere()
  const [token, ca] = await Promise.all([readToken(server.token, env), authoritiesOf(server)])
  await using network = openNetwork(nowhere)
  const questions: Question[] = []
  for (const typed of artifacts) questions.push(await questionFor(typed, bundles, network, files))
  const answers: GateAnswer[] = []
  for (const { asked, evidence } of questions) {
    for (const one of targetsOf(target, from)) {
      const ask = askOf(asked, one, evidence)
      const body = encodeCanonical(ask as unknown as Json)
      const posted = await post(url, {
        token,
        body,
        timeoutMs,
        ...(ca === undefined ? {} : { ca }),
      })
      const { decision, record } = readAnswer(posted, ask, url.origin)
      answers.push(answerOf(asked, decision, record))
    }
  }
  const pinned = questions.map(({ asked }) => asked.pinned)
  return { answers, pinned, check: () => Promise.resolve() }
}

function elsewhere(): SallyportError {
  return new SallyportError({
    code: 'USAGE_VALUE',
    where: 'sallyport gate --evidence',
    expected: 'none with --server: the gate looks where it is configured to',
    found: 'a place',
    fix: 'Name files of evidence with --bundle, or have the place added to the configuration of the gate',
  })
}

function askOf({ found }: Asked, target: Target, evidence: readonly string[]): Ask {
  const { name, digest, kind } = found
  return {
    artifact: { name: cut(name, 1024), digest: { ...digest } },
    target,
    ...(kind === 'oci' ? { reference: name } : {}),
    evidence: [...evidence],
    chokePoint: 'ci',
    dryRun: false,
  }
}

function answerOf(
  { found }: Asked,
  decision: GateAnswer['decision'],
  record: GateRecord,
): GateAnswer {
  const { kind, name, digest, size, typed } = found
  return {
    decision,
    record,
    exit: decisionExitCode(decision),
    paths: new Map([[name, typed]]),
    artifact: { kind, name, digest, ...(size === undefined ? {} : { size }) },
    places: [],
  }
}
