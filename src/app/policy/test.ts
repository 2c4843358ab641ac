import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Config } from '#config'
import {
  compareGolden,
  decide,
  goldenOf,
  proveRules,
  type Decided,
  type Decision,
  type Difference,
  type RuleProof,
} from '#decision'
import type { Problem } from '#error'
import { parsePolicies, type PolicySet } from '#policy'
import { createVerifier, parseTrust, trustedRootFiles, type Trust, type Verifier } from '#trust'
import { readNamed, readPolicyFiles } from '../input.ts'
import { findFixtures, readFixture, rewriteFixture, type StoredFixture } from './fixture-files.ts'

export interface PolicyTestOptions {
  readonly config: Config
  /** Folders of fixtures; without any, the folder `fixtures` of the home. */
  readonly folders: readonly string[]
  readonly policies: readonly string[]
  readonly trust?: string
  /** Write what comes out as what is expected. */
  readonly update: boolean
  readonly allowUnproven: boolean
}

/** What became of one fixture. */
export interface FixtureResult {
  readonly folder: string
  readonly differences: readonly Difference[]
  readonly updated: boolean
  readonly decision: Decision
}

export interface PolicyTestReport {
  readonly fixtures: readonly FixtureResult[]
  readonly rules: readonly RuleProof[]
  /** Why it is not 0: FIXTURE_DIFFERS and FIXTURE_RULE_UNPROVEN. */
  readonly problems: readonly Problem[]
  /** 0 all as written and every rule seen to fail, else 1. */
  readonly exit: 0 | 1
}

/**
 * Decides every fixture with the policies and the trust file as they are, at the time that was captured, without network,
 * and compares rule by rule with what is expected. Then shows of every rule that it can fail.
 *
 * @throws SallyportError for what cannot be read: FIXTURE_…, FILE_…, DOCUMENT_…, POLICY_…, TRUST_…
 */
export async function testPolicies(options: PolicyTestOptions): Promise<PolicyTestReport> {
  const { config, folders, update, allowUnproven } = options
  const judges = await readJudges(options)
  const found = await findFixtures(folders.length === 0 ? [join(config.home, 'fixtures')] : folders)
  const results: FixtureResult[] = []
  const decided: Decided[] = []
  for (const folder of found) {
    const stored = await readFixture(folder)
    const one = decideStored(stored, judges)
    decided.push(one)
    results.push(await compare(stored, one.decision, update))
  }
  const rules = proveRules(judges.policies, decided)
  const problems = [
    ...results.flatMap(differing),
    ...(allowUnproven
      ? []
      : rules.flatMap((rule) => (rule.failed === undefined ? unproven(rule) : []))),
  ]
  return { fixtures: results, rules, problems, exit: problems.length === 0 ? 0 : 1 }
}

function differing({ folder, differences, updated }: FixtureResult): readonly Problem[] {
  if (updated) return []
  return differences.map(({ what, expected, found }) => ({
    code: 'FIXTURE_DIFFERS',
    where: `${folder}: ${what}`,
    expected,
    found,
    fix: 'Correct the policy; if this is what it is meant to say, run `sallyport policy test --update` and have the difference reviewed',
  }))
}

function unproven({ policy, id, line }: RuleProof): readonly Problem[] {
  return [
    {
      code: 'FIXTURE_RULE_UNPROVEN',
      where: `${line} ${id}`,
      expected: `a fixture in which ${id} of ${policy} fails, or one in which it passes and that can be altered`,
      found: 'none',
      fix: 'Make a fixture of an artifact of this target with `sallyport capture`, or accept it with --allow-unproven',
    },
  ]
}

/** Who decides: the policies, and the trust file with the roots that a fixture brings where it names none that is there. */
export interface Judges {
  readonly policies: PolicySet
  readonly trustFor: (roots: StoredFixture['roots']) => {
    readonly trust: Trust
    readonly verifier: Verifier
  }
}

/** Reads policies and trust file for deciding fixtures. */
export async function readJudges(
  options: Pick<PolicyTestOptions, 'config' | 'policies' | 'trust'>,
): Promise<Judges> {
  const { config, policies, trust = config.trust } = options
  const files = await readPolicyFiles(
    policies.length === 0 ? config.policies : policies,
    config.home,
  )
  return { policies: parsePolicies(files), trustFor: await trustReader(trust, config.home) }
}

async function trustReader(path: string, home: string): Promise<Judges['trustFor']> {
  const { file, bytes } = await readNamed(path, home)
  const named = trustedRootFiles(bytes, { file })
  const present = new Map<string, Uint8Array>()
  for (const root of named) {
    // What is not there is taken from the fixture, and where that has none the parser tells its line.
    const read = await readFile(resolve(dirname(path), root)).catch(() => undefined)
    if (read !== undefined) present.set(root, read)
  }
  const isWhole = named.every((root) => present.has(root))
  const make = (roots: ReadonlyMap<string, Uint8Array>) => {
    const trust = parseTrust(bytes, { file, roots })
    return { trust, verifier: createVerifier(trust) }
  }
  let whole: ReturnType<typeof make> | undefined
  return (captured) =>
    isWhole ? (whole ??= make(present)) : make(new Map([...captured, ...present]))
}

/** Decides a fixture. */
export function decideStored(stored: StoredFixture, judges: Judges): Decided {
  const { request, time } = stored.fixture
  const input = {
    request,
    evidence: stored.evidence,
    policies: judges.policies,
    ...judges.trustFor(stored.roots),
    now: new Date(time),
  }
  return { name: stored.folder, input, decision: decide(input) }
}

async function compare(
  { folder, fixture }: StoredFixture,
  decision: Decision,
  update: boolean,
): Promise<FixtureResult> {
  const found = goldenOf(decision)
  const differences = compareGolden(fixture.expected, found)
  const updated = update && differences.length > 0
  if (updated) await rewriteFixture(folder, { ...fixture, expected: found })
  return { folder, differences, updated, decision }
}
