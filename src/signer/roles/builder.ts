import { z } from 'zod'
import { parseStatement, predicateTypes } from '#attestation'
import { checkShape } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import { builderIds, provenanceFormat, recipeBuildType } from '../builder-ids.ts'
import { checkSubjects } from './subjects.ts'
import { wellFormed, wrongPredicateType, type StatementRule } from './rule.ts'

const { workstationMeasured, workstationPinned } = builderIds
/** A builder id says which root its steps saw; the statement must say the same. */
const rootOf: Readonly<Record<string, string>> = {
  [workstationMeasured]: 'measured',
  [workstationPinned]: 'pinned',
}

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const digest = z.record(z.string(), z.string().regex(/^[0-9a-f]{40,128}$/))
const annotations = z.record(z.string(), z.unknown())
const time = z.string().regex(/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?Z$/)

const descriptor = z.strictObject({
  name: z.string().optional(),
  uri: z.string().optional(),
  digest: digest.optional(),
  mediaType: z.string().optional(),
  annotations: annotations.optional(),
})

const provenance = z.strictObject({
  buildDefinition: z.strictObject({
    buildType: z.literal(recipeBuildType),
    externalParameters: z.strictObject({
      source: z.strictObject({
        uri: z.string().min(1),
        ref: z.string().optional(),
        revision: z.string().optional(),
      }),
      recipe: z.strictObject({ path: z.string().min(1) }),
      parameters: z.record(z.string(), z.string()),
    }),
    internalParameters: z.looseObject({
      sallyport_format: z.literal(provenanceFormat),
      sallyport_steps: z.array(z.unknown()).min(1),
      sallyport_sandbox: z.looseObject({
        root: z.enum(['pinned', 'measured']),
        network: z.literal('none'),
      }),
    }),
    resolvedDependencies: z.array(descriptor).min(1).max(20_000),
  }),
  runDetails: z.strictObject({
    builder: z.strictObject({
      id: z.string(),
      version: z.record(z.string(), z.string()),
      builderDependencies: z.array(descriptor).max(100),
    }),
    metadata: z.strictObject({
      invocationId: z.string().min(1),
      startedOn: time,
      finishedOn: time,
    }),
    byproducts: z.array(descriptor).max(1000),
  }),
})
type ProvenancePredicate = z.infer<typeof provenance>

/**
 * Provenance of the named builders: complete, with every subject and every input bound to a digest.
 * The ids come from the role, once; what a statement says about its builder is only compared with them.
 */
export function provenanceRule(ids: readonly string[]): StatementRule {
  SallyportError.throwAll(ids.filter((id) => rootOf[id] === undefined).map(foreignRole))
  return (bytes) => {
    const statement = wellFormed(() => parseStatement(bytes))
    if (statement.predicateType !== predicateTypes.slsaProvenanceV1)
      throw wrongPredicateType(statement.predicateType, [predicateTypes.slsaProvenanceV1])
    const what = 'the predicate'
    const predicate = wellFormed(() => checkShape(provenance, statement.predicate, { what }))
    SallyportError.throwAll([
      ...checkBuilder(predicate, ids),
      ...checkSubjects(statement),
      ...checkInputs(predicate),
    ])
    return statement
  }
}

function checkBuilder(predicate: ProvenancePredicate, ids: readonly string[]): Problem[] {
  const { id } = predicate.runDetails.builder
  if (!ids.includes(id)) {
    return [
      {
        code: 'SIGNER_BUILDER_ID',
        where: 'predicate.runDetails.builder.id',
        expected: ids.map((known) => quote(known)).join(' or '),
        found: quote(id),
        fix: 'Build with the builder this key belongs to; a workstation cannot sign for another builder',
      },
    ]
  }
  const { root } = predicate.buildDefinition.internalParameters.sallyport_sandbox
  if (root === rootOf[id]) return []
  return [
    {
      code: 'SIGNER_BUILDER_ID',
      where: 'predicate.buildDefinition.internalParameters.sallyport_sandbox.root',
      expected: `${quote(rootOf[id])}, as the builder id ${quote(id)} says`,
      found: quote(root),
      fix: 'Use the builder id of the root that the steps saw',
    },
  ]
}

function checkInputs({ buildDefinition }: ProvenancePredicate): Problem[] {
  const { externalParameters, resolvedDependencies } = buildDefinition
  const problems = resolvedDependencies.flatMap((input, index) => {
    const where = `predicate.buildDefinition.resolvedDependencies[${index}]`
    const complete = (input.uri ?? '') !== '' && sha256.safeParse(input.digest?.['sha256']).success
    return complete ? [] : [incompleteInput(where, input)]
  })
  const { uri } = externalParameters.source
  const source = resolvedDependencies.find(
    (input) =>
      input.digest?.['gitCommit'] !== undefined &&
      (input.uri === uri || input.uri?.startsWith(`${uri}@refs/`) === true),
  )
  if (source !== undefined) return problems
  const missing: Problem = {
    code: 'SIGNER_DEPENDENCY',
    where: 'predicate.buildDefinition.resolvedDependencies',
    expected: `the source ${quote(uri)} with its gitCommit, as in externalParameters`,
    found: 'no such input',
    fix: 'List the source that was built among the inputs',
  }
  return [...problems, missing]
}

function incompleteInput(where: string, input: z.infer<typeof descriptor>): Problem {
  return {
    code: 'SIGNER_DEPENDENCY',
    where,
    expected: 'a uri and a SHA-256 digest',
    found: quote({ uri: input.uri ?? null, digest: input.digest ?? null }),
    fix: 'Record where the input came from and the digest of the bytes that were mounted',
  }
}

function foreignRole(id: string): Problem {
  return {
    code: 'SIGNER_ROLE',
    where: 'role.builderIds',
    expected: `only ids of workstation builders: ${Object.keys(rootOf)
      .map((known) => quote(known))
      .join(', ')}`,
    found: quote(id),
    fix: `Remove ${quote(id)}; a signer on a workstation never signs for it`,
  }
}
