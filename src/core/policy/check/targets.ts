import { decodeText, parseYaml, type Path } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import { checkDocument } from '#trust'
import { z } from 'zod'
import type { PolicyFile } from '../parse-policies.ts'
import type { Target } from '../request.ts'

/** A target that somebody says exists, and where it is written. */
export interface ListedTarget extends Target {
  /** `file:line:column` */
  readonly where: string
}

const name = z.string().min(1).max(200)
const short = z
  .string()
  .max(401)
  .regex(/^[^/\s]+\/\S+$/, 'environment/service, such as prod/payments')
const listed = z
  .array(z.union([short, z.strictObject({ environment: name, service: name })]))
  .max(100_000)
const documentSchema = z.union([listed, z.object({ targets: listed })])

const bounds = { maxBytes: 16 * 1024 * 1024 }

/**
 * Reads a list of targets: YAML or JSON, as a list of `environment/service` or `{environment, service}` (or that under
 * `targets`); in a file of any other name, one `environment/service` in each line, with comments after `#`.
 *
 * @throws SallyportError DOCUMENT_…; POLICY_TARGETS when it lists nothing or what is no target
 */
export function parseTargets({ file, bytes }: PolicyFile): readonly ListedTarget[] {
  const targets = /\.(?:ya?ml|json)$/i.test(file) ? fromYaml(file, bytes) : fromLines(file, bytes)
  if (targets.length > 0) return targets
  throw new SallyportError({
    code: 'POLICY_TARGETS',
    where: file,
    expected: 'at least one target: about none, everything is true',
    found: 'an empty list',
    fix: 'Write the targets that exist, one "environment/service" in each line',
  })
}

function fromYaml(file: string, bytes: Uint8Array): readonly ListedTarget[] {
  const { value, locate } = parseYaml(bytes, { file, ...bounds })
  const shape = checkDocument(documentSchema, value, { what: 'the list of targets', locate })
  const [entries, base]: readonly [z.output<typeof listed>, Path] = Array.isArray(shape)
    ? [shape, []]
    : [shape.targets, ['targets']]
  return entries.map((entry, index) => {
    const where = locate([...base, index])
    return typeof entry === 'string' ? split(entry, where) : { ...entry, where }
  })
}

function fromLines(file: string, bytes: Uint8Array): readonly ListedTarget[] {
  const problems: Problem[] = []
  const targets = decodeText(bytes, file, bounds.maxBytes)
    .split('\n')
    .flatMap((line, index): readonly ListedTarget[] => {
      const text = line.replace(/(?:^|\s)#.*$/, '').trim()
      const where = `${file}:${index + 1}:1`
      if (text === '') return []
      if (short.safeParse(text).success) return [split(text, where)]
      problems.push(noTarget(text, where))
      return []
    })
  SallyportError.throwAll(problems)
  return targets
}

function split(text: string, where: string): ListedTarget {
  const at = text.indexOf('/')
  return { environment: text.slice(0, at), service: text.slice(at + 1), where }
}

function noTarget(text: string, where: string): Problem {
  return {
    code: 'POLICY_TARGETS',
    where,
    expected: 'environment/service, such as prod/payments',
    found: quote(text, 100),
    fix: 'Write the environment, a slash, and the service',
  }
}
