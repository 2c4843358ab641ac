import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '#config'
import { auditPlatform, type AuditReport } from '../audit.ts'

/** A pod that somebody made around the gate. */
export interface AuditedPod {
  readonly at: Date
  readonly namespace?: string
  /** Left out: the API server was told to write down no objects. */
  readonly image?: string
}

/** Audits what an API server writes down of one pod; the file with it lies in `folder`. */
export async function auditPod(
  config: Config,
  folder: string,
  { at, namespace = 'shop', image }: AuditedPod,
): Promise<AuditReport> {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'fix' },
    spec: { containers: [{ name: 'main', image }] },
  }
  const event = {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    auditID: 'around',
    stage: 'ResponseComplete',
    requestURI: `/api/v1/namespaces/${namespace}/pods`,
    verb: 'create',
    user: { username: 'jo' },
    objectRef: { resource: 'pods', namespace, name: 'fix', apiVersion: 'v1' },
    responseStatus: { code: 201 },
    ...(image === undefined ? {} : { requestObject: pod }),
    requestReceivedTimestamp: at.toISOString(),
  }
  const file = join(folder, 'audit.log')
  writeFileSync(file, `${JSON.stringify(event)}\n`)
  return await auditPlatform({
    config,
    files: [file],
    webhooks: ['gate.sallyport.dev'],
    configurations: ['sallyport'],
    ownNamespace: 'sallyport-system',
    now: at,
  })
}
