import type { Ask } from '#api'
import { decisionExitCode, type Target } from '#decision'
import { encodeCanonical, type Json } from '#document'
import { quote, SallyportError } from '#error'
import { findBesideFile, formatReference } from '#evidence'
import { openNetwork } from '../artifact/network.ts'
import { parseArtifactName } from '../artifact/name.ts'
import {
  targetsOf,
  type GateAnswer,
  type GateOptions,
  type GateRecord,
  type ServerPlace,
} from './options.ts'
import type { PinnedFiles } from './pinned.ts'
import { post } from './post.ts'
import { findPinned, type Asked } from './question.ts'
import { readAnswer } from './server-answer.ts'
import { addressOf, authoritiesOf } from './server-place.ts'
import { readToken } from './token.ts'

const timeoutMs = 30_000
const maxEvidence = 64

/** Asks a gate that runs. What it says is taken for an answer only when it is one to exactly this question. */
export async function askServer(
  server: ServerPlace,
  options: GateOptions,
  files: PinnedFiles | undefined,
) {
  const { artifacts, bundles, target, from, env } = options
  const url = addressOf(server.url, '/api/v1/decisions')
  for (const typed of artifacts) checkFixed(typed)
  if (options.evidence.length > 0) throw elsewhere()
  const [token, ca] = await Promise.all([readToken(server.token, env), authoritiesOf(server)])
  // Nothing is looked up here: files are hashed, and everything else has its digest in its name.
  await using network = openNetwork(nowhere)
  const answers: GateAnswer[] = []
  const pinned: Asked['pinned'][] = []
  for (const typed of artifacts) {
    const asked = imageOf(typed) ?? (await findPinned(typed, network, files))
    pinned.push(asked.pinned)
    const attached = await evidenceOf(asked, bundles)
    for (const one of targetsOf(target, from)) {
      const ask = askOf(asked, one, attached)
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
  return { answers, pinned, check: () => Promise.resolve() }
}

const nowhere = {
  directories: [],
  stores: [],
  registries: { allow: [], allowAddresses: [] },
  timeoutMs,
}

/** An image whose name says its digest: nobody has to be asked what it means. */
function imageOf(typed: string): Asked | undefined {
  const parsed = parseArtifactName(typed)
  if (parsed.kind !== 'oci') return undefined
  const name = formatReference(parsed.reference)
  const sha256 = parsed.reference.digest ?? ''
  const found = { kind: 'oci', name, digest: { sha256 }, typed } as const
  return { found, pinned: { typed, value: name, digest: `sha256:${sha256}` } }
}

/** The gate looks for evidence where it is configured to; what a name means now is for who asks to say. */
function checkFixed(typed: string): void {
  const name = parseArtifactName(typed)
  if (name.kind === 'file' || name.kind === 'digest') return
  if (
    name.kind === 'oci' &&
    name.reference.digest !== undefined &&
    name.reference.tag === undefined
  )
    return
  throw new SallyportError({
    code: 'EVIDENCE_REFERENCE',
    where: quote(typed, 200),
    expected:
      'a file, sha256:HEX or oci://HOST/NAME@sha256:HEX: with --server nothing is looked up here',
    found:
      name.kind === 'oci' ? 'a tag, which may lead elsewhere by then' : 'the name of a package',
    fix:
      name.kind === 'oci'
        ? 'Name the image by the digest that its build has printed'
        : 'Fetch the package with `npm pack`, and name the file',
  })
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

/** What lies beside a file travels with the question. */
async function evidenceOf(
  { found, pinned }: Asked,
  bundles: readonly string[],
): Promise<readonly string[]> {
  if (found.kind !== 'file' && bundles.length === 0) return []
  const { items, sources } = await findBesideFile(pinned.typed, { bundles })
  const lost = sources.find(({ outcome }) => outcome === 'unavailable')
  if (lost === undefined && items.length <= maxEvidence)
    return items.map(({ bytes }) => Buffer.from(bytes).toString('utf8'))
  throw new SallyportError({
    code: 'EVIDENCE_FILE_UNREADABLE',
    where: lost?.name ?? pinned.typed,
    expected: `evidence that can be sent to the gate: at most ${maxEvidence} records`,
    found: lost?.detail ?? `${items.length} records`,
    fix: 'Name the files that matter with --bundle',
  })
}

function askOf({ found }: Asked, target: Target, evidence: readonly string[]): Ask {
  const { name, digest, kind } = found
  return {
    artifact: { name: name.slice(0, 1024), digest: { ...digest } },
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
