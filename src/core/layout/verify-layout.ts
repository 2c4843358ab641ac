import { isAtOrAfter } from '#document'
import { quote, type Problem } from '#error'
import { applyRules, type Links } from './apply-rules.ts'
import type { LayoutKey } from './key.ts'
import type { Layout } from './layout-types.ts'
import { isSignedBy, openMetadata, type Metadata } from './metadata.ts'
import type { Parameters } from './parameters.ts'
import { readLayout } from './read-layout.ts'
import { attempt, malformed, refuse } from './refuse.ts'
import {
  rejected,
  type LayoutRejection,
  type LayoutResult,
  type LinkFile,
  type Task,
  type Verification,
} from './verification.ts'
import { gatherStep } from './gather-step.ts'

export interface LayoutOptions {
  /** The bytes of the signed layout, and the name of its file. */
  readonly layout: Uint8Array
  readonly where: string
  /** Whoever must have signed the layout: all of them, at least one. */
  readonly keys: readonly LayoutKey[]
  /** Links and sublayouts. Those of a sublayout stand in a folder: `STEP.KEYID/STEP.KEYID.link`. */
  readonly links: readonly LinkFile[]
  readonly parameters?: Parameters
  readonly now: Date
}

/** Characters compared with patterns in one verification: about a second of work. */
const maxWork = 100_000_000
const maxDepth = 8
const maxFiles = 4096
const maxBytes = 256 * 1024 * 1024

/**
 * Verifies a supply chain against its layout: in-toto specification 1.0, 5.2, without running anything. Everything that
 * is given may come from an attacker except `keys`, `parameters` and `now`.
 *
 * @throws SallyportError LAYOUT_NO_KEY when nobody is named who must have signed
 */
export function verifyLayout(options: LayoutOptions): LayoutResult {
  const { where, keys, now, parameters } = options
  if (keys.length === 0) throw noKey(where)
  const warnings: Problem[] = []
  const outcome = attempt(() => {
    const verification: Verification = {
      files: byPath(options.links),
      now,
      budget: { left: maxWork },
      warnings,
      verify: (sub) => verifyTask(sub, verification),
    }
    const metadata = openMetadata(options.layout, where)
    const task = { metadata, where, folder: '', depth: 0, keys }
    return verifyTask(parameters === undefined ? task : { ...task, parameters }, verification)
  })
  return 'value' in outcome ? outcome.value : rejected('FAIL', outcome.problems, warnings)
}

/**
 * Verifies one layout and, through its steps, its sublayouts.
 *
 * @throws SallyportError when something is not written as it must be
 */
function verifyTask(task: Task, verification: Verification): LayoutResult {
  const { metadata, where } = task
  const { warnings, now } = verification
  if (task.depth > maxDepth) throw tooDeep(where)
  if (metadata.type !== 'layout') throw malformed(where, 'a layout', 'a link')
  const unsigned = task.keys.filter((key) => !isSignedBy(metadata, key, now))
  if (unsigned.length > 0) {
    return rejected(
      'FAIL',
      unsigned.map((key) => notSigned(key, metadata, where)),
      warnings,
    )
  }
  const layout = readLayout(metadata.payload, where, task.parameters)
  if (isAtOrAfter(now, layout.expires.getTime() + 1))
    return rejected('STALE', [expired(layout, where, now)], warnings)
  if (layout.steps.length === 0) return rejected('FAIL', [empty(where)], warnings)
  return verifySteps(layout, task, verification)
}

function verifySteps(layout: Layout, task: Task, verification: Verification): LayoutResult {
  const { warnings, budget } = verification
  const { where } = task
  const gathered = layout.steps.map((step) => gatherStep(step, layout, task, verification))
  const bad = gathered.flatMap((one) => (one.kind === 'rejected' ? [one] : []))
  if (bad.length > 0) {
    return rejected(
      worst(bad),
      bad.flatMap(({ problems }) => problems),
      warnings,
    )
  }
  const steps = gathered.flatMap((one) => (one.kind === 'step' ? [one] : []))
  const links: Links = new Map(steps.map((step) => [step.name, step.link]))
  const problems = layout.steps.flatMap((step) =>
    applyRules(step, links, `${where}: step ${quote(step.name, 100)}`, budget),
  )
  if (problems.length > 0) return rejected('FAIL', problems, warnings)
  const own = layout.inspect.length === 0 ? [] : [{ where, inspections: layout.inspect, links }]
  const [first, last] = [steps[0], steps.at(-1)]
  if (first === undefined || last === undefined)
    throw new TypeError('a layout without steps was let through')
  return {
    kind: 'holds',
    steps,
    summary: { ...last.link, materials: first.link.materials },
    pending: [...steps.flatMap(({ pending }) => pending), ...own],
    expires: new Date(Math.min(...[layout, ...steps].map(({ expires }) => expires.getTime()))),
    warnings,
  }
}

/** What is bad stays bad, whatever else is missing or has expired. */
function worst(rejections: readonly LayoutRejection[]): LayoutRejection['verdict'] {
  const verdicts = new Set(rejections.map(({ verdict }) => verdict))
  if (verdicts.has('FAIL')) return 'FAIL'
  return verdicts.has('STALE') ? 'STALE' : 'MISSING'
}

function byPath(links: readonly LinkFile[]): ReadonlyMap<string, readonly LinkFile[]> {
  const bytes = links.reduce((sum, link) => sum + link.bytes.length, 0)
  if (links.length > maxFiles || bytes > maxBytes) {
    throw refuse(
      'LAYOUT_EXPENSIVE',
      'links',
      `at most ${maxFiles} files with ${maxBytes} bytes`,
      `${links.length} files with ${bytes} bytes`,
      'Keep the links of this one product in a folder of their own',
    )
  }
  const files = new Map<string, LinkFile[]>()
  for (const link of links) {
    const same = files.get(link.path)
    if (same === undefined) files.set(link.path, [link])
    else same.push(link)
  }
  return files
}

function notSigned(key: LayoutKey, { signatures }: Metadata, where: string): Problem {
  const [id = ''] = key.ids
  const isNamed = signatures.some(({ keyid }) => key.ids.includes(keyid))
  const others = signatures.map(({ keyid }) => quote(keyid.slice(0, 16), 40)).slice(0, 4)
  return {
    code: 'LAYOUT_SIGNATURE',
    where,
    expected: `a good signature by the key ${id.slice(0, 16)}`,
    found: isNamed
      ? 'a signature under its name that does not hold: the layout was changed, or somebody else signed'
      : `signatures by ${others.length === 0 ? 'nobody' : others.join(', ')}`,
    fix: 'Get the layout again from its owner; if the owner has changed keys, pass the new public key',
  }
}

function expired({ expires }: Layout, where: string, now: Date): Problem {
  return {
    code: 'LAYOUT_EXPIRED',
    where: `${where}: expires`,
    expected: `a layout that holds at ${now.toISOString()}`,
    found: `one that expired at ${expires.toISOString()}`,
    fix: 'Have the owner of the layout review it, and sign it again with a new time',
  }
}

function empty(where: string): Problem {
  return {
    code: 'LAYOUT_EMPTY',
    where: `${where}: steps`,
    expected: 'at least one step',
    found: 'none, so that anything would pass',
    fix: 'Have the owner of the layout write the steps into it, and sign it again',
  }
}

function noKey(where: string): Error {
  return refuse(
    'LAYOUT_NO_KEY',
    where,
    'at least one key that must have signed the layout',
    'none',
    'Pass the public key of the owner of the layout: --key FILE',
  )
}

function tooDeep(where: string): Error {
  return refuse(
    'LAYOUT_DEPTH',
    where,
    `sublayouts at most ${maxDepth} deep`,
    'one more',
    'Have the owner of the outer layout write the steps themselves into it',
  )
}
