import type { Config } from '#config'
import { SallyportError } from '#error'
import { checkRulebook, type CheckInput, type CheckReport, type PolicyFile } from '#policy'
import { readNamed, readPolicyFiles, type PlacedFile } from '../input.ts'
import { readTrust } from '../rulebook.ts'
import { signatureProblems } from '../rulebook/signed.ts'

export interface PolicyCheckOptions {
  /** The configuration, for whatever is not named below; asked for only then. */
  readonly config: () => Promise<Config>
  readonly cwd: string
  /** Policy files and folders, instead of those of the configuration. */
  readonly policies: readonly string[]
  readonly trust?: string
  /** A file that lists the targets that exist. */
  readonly targets?: string
  readonly now: Date
}

export interface PolicyCheckReport extends CheckReport {
  /** The text of each file that a finding may point into, by the name it has there. */
  readonly sources: ReadonlyMap<string, string>
}

/**
 * Checks policies, meta-policies and trust file before anything is deployed. What the files say is told as findings. Where
 * the configuration asks for signatures, its own files have to be signed; what is named here may be a draft.
 *
 * @throws SallyportError FILE_…, CONFIG_… and HOME_… when there is nothing to check
 */
export async function checkPolicyFiles(options: PolicyCheckOptions): Promise<PolicyCheckReport> {
  const { cwd, now } = options
  const paths = await pathsOf(options)
  const [policies, trustFile, targets, trust] = await Promise.all([
    readPolicyFiles(paths.policies, cwd),
    readNamed(paths.trust, cwd),
    Promise.all(paths.targets.map((path) => readNamed(path, cwd))),
    readTrustOrProblems(paths.trust, cwd),
  ])
  const [listed] = targets
  const report = checkRulebook({
    policies,
    trust,
    now,
    ...(listed === undefined ? {} : { targets: listed }),
  })
  const files = [...policies, trustFile, ...targets]
  const signed = await unsigned(options, { policies, trustFile, trust })
  return {
    ...report,
    findings: [...signed, ...report.findings],
    sources: new Map(files.map((file) => [file.file, textOf(file)])),
  }
}

interface Read {
  readonly policies: readonly PlacedFile[]
  readonly trustFile: PlacedFile
  readonly trust: CheckInput['trust']
}

/** What is wrong with the signatures of the files that decisions are made with. */
async function unsigned(
  options: PolicyCheckOptions,
  { policies, trustFile, trust }: Read,
): Promise<CheckReport['findings']> {
  const ownPolicies = options.policies.length === 0
  const ownTrust = options.trust === undefined
  if (!ownPolicies && !ownTrust) return []
  const problems = await signatureProblems(await options.config(), {
    files: [...(ownTrust ? [trustFile] : []), ...(ownPolicies ? policies : [])],
    ...(ownTrust && !('problems' in trust) ? { trust } : {}),
    now: options.now,
  })
  return problems.map((problem) => ({ severity: 'error', ...problem }))
}

/** Without a home everything can be named; with one, its meta-policies hold whatever is named. */
async function pathsOf({ policies, trust, targets, config: read }: PolicyCheckOptions) {
  const listed = targets === undefined ? [] : [targets]
  if (policies.length > 0 && trust !== undefined) return { policies, trust, targets: listed }
  const config = await read()
  const paths = policies.length > 0 ? policies : config.policies
  return {
    policies: [...paths, ...config.metaPolicies],
    trust: trust ?? config.trust,
    targets: listed,
  }
}

async function readTrustOrProblems(path: string, cwd: string): Promise<CheckInput['trust']> {
  try {
    return (await readTrust(path, cwd)).trust
  } catch (error) {
    // What cannot be read is no finding about what it says.
    if (!(error instanceof SallyportError) || error.code.startsWith('FILE_')) throw error
    return { problems: error.problems }
  }
}

/** For showing lines of it: whatever is no text was refused as such. */
function textOf({ bytes }: PolicyFile): string {
  return new TextDecoder().decode(bytes)
}
