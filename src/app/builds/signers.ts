import type { Config } from '#config'
import type { BuilderSigner } from '#builder'
import { quote, SallyportError } from '#error'
import { builderIds, type StatementSigner } from '#signer'
import { roles } from '../init/keys.ts'
import { startStatementSigner } from '../statement-signer.ts'

/** The signers of this machine's builders. The process of a key is started when its builder has something to ask. */
export interface Signers extends BuilderSigner, AsyncDisposable {}

export function openSigners(config: Config): Signers {
  const { keys } = config
  const started = new Map<string, Promise<StatementSigner>>()
  const known = new Map([
    [builderIds.workstationPinned, { ...keys.builderPinned, role: roles.builderPinned }],
    [builderIds.workstationMeasured, { ...keys.builderMeasured, role: roles.builderMeasured }],
  ] as const)
  const signerOf = (builderId: string): Promise<StatementSigner> => {
    const running = started.get(builderId) ?? start(builderId)
    started.set(builderId, running)
    return running
  }
  const start = (builderId: string): Promise<StatementSigner> => {
    const key = known.get(builderId as (typeof builderIds)['workstationPinned'])
    if (key === undefined) return Promise.reject(noKey(builderId))
    return startStatementSigner(config, key, key.role)
  }
  return {
    keyidOf: async (builderId) => (await signerOf(builderId)).keyid,
    sign: async (builderId, statement) => (await signerOf(builderId)).sign(statement),
    async [Symbol.asyncDispose]() {
      for (const one of await Promise.allSettled(started.values())) {
        if (one.status === 'fulfilled') await one.value.close()
      }
    },
  }
}

function noKey(builderId: string): SallyportError {
  return new SallyportError({
    code: 'BUILD_BUILDER_ID',
    where: 'builder id',
    expected: `one of ${quote(builderIds.workstationPinned)}, ${quote(builderIds.workstationMeasured)}`,
    found: quote(builderId),
    fix: 'Build as a workstation; this home has no key of another builder',
  })
}
