import { approvalStatement, provenanceStatement, type Statement } from '#attestation'
import { sha256Hex } from '#document'
import { builderIds, recipeBuildType } from '../builder-ids.ts'

export const builderRole = {
  kind: 'builder',
  builderIds: [builderIds.workstationMeasured],
} as const
export const uri = 'git+https://git.example/acme/thing'

/** Provenance that a builder's signer accepts. */
export function provenance(builderId: string = builderIds.workstationMeasured): Statement {
  return provenanceStatement({
    subject: [{ name: 'thing.tgz', digest: { sha256: sha256Hex('thing') } }],
    buildDefinition: {
      buildType: recipeBuildType,
      externalParameters: {
        source: { uri, revision: 'main' },
        recipe: { path: 'sallyport.build.json' },
        parameters: { target: 'release' },
      },
      internalParameters: {
        sallyport_format: 1,
        sallyport_steps: [{ id: 'build', run: [['true']] }],
        sallyport_sandbox: { root: 'measured', network: 'none' },
      },
      resolvedDependencies: [
        { uri, digest: { gitCommit: 'a'.repeat(40), sha256: sha256Hex('source') } },
        { uri: 'pkg:npm/zod@4.6.7', digest: { sha256: sha256Hex('zod') } },
      ],
    },
    runDetails: {
      builder: { id: builderId, version: { sallyport: '0.1.0' }, builderDependencies: [] },
      metadata: {
        invocationId: 'urn:uuid:00000000-0000-4000-8000-000000000000',
        startedOn: '2026-11-20T10:00:00Z',
        finishedOn: '2026-11-20T10:01:00Z',
      },
      byproducts: [],
    },
  })
}

export function approval(): Statement {
  return approvalStatement([{ name: 'thing.tgz', digest: { sha256: sha256Hex('thing') } }], {
    environment: 'prod',
    reason: 'release',
    approvedOn: '2026-11-20T10:00:00Z',
  })
}

/** A deep copy with one place changed; `undefined` removes it. */
export function changed(statement: Statement, path: string, value: unknown): Statement {
  const copy = structuredClone(statement) as unknown as Record<string, unknown>
  const parts = path.split('.')
  let holder = copy
  for (const part of parts.slice(0, -1)) holder = holder[part] as Record<string, unknown>
  const last = parts.at(-1) ?? ''
  if (value === undefined) Reflect.deleteProperty(holder, last)
  else holder[last] = value
  return copy as unknown as Statement
}
