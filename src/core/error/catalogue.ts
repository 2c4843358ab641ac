import { access } from './catalogue/access.ts'
import { admission } from './catalogue/admission.ts'
import { attestation } from './catalogue/attestation.ts'
import { breakglass } from './catalogue/breakglass.ts'
import { buildRecord } from './catalogue/build-record.ts'
import { builder } from './catalogue/builder.ts'
import { bypass } from './catalogue/bypass.ts'
import { config } from './catalogue/config.ts'
import { custom } from './catalogue/custom.ts'
import { decision } from './catalogue/decision.ts'
import { document } from './catalogue/document.ts'
import { events } from './catalogue/events.ts'
import { external } from './catalogue/external.ts'
import { evidence } from './catalogue/evidence.ts'
import { fixture } from './catalogue/fixture.ts'
import { gate } from './catalogue/gate.ts'
import { lint } from './catalogue/lint.ts'
import { layout } from './catalogue/layout.ts'
import { imports } from './catalogue/import.ts'
import { log } from './catalogue/log.ts'
import { materials } from './catalogue/materials.ts'
import { npmProxy } from './catalogue/npm-proxy.ts'
import { packages } from './catalogue/package.ts'
import { policy } from './catalogue/policy.ts'
import { proxy } from './catalogue/proxy.ts'
import { recheck } from './catalogue/recheck.ts'
import { rulebook } from './catalogue/rulebook.ts'
import { server } from './catalogue/server.ts'
import { signer } from './catalogue/signer.ts'
import { sigstore } from './catalogue/sigstore.ts'
import { source } from './catalogue/source.ts'
import { trust } from './catalogue/trust.ts'
import { witness } from './catalogue/witness.ts'
import { worker } from './catalogue/worker.ts'
import type { Entry } from './entry.ts'

/** The one catalogue of problem codes. A code is never reused and never changes its meaning. */
export const catalogue = {
  ...document,
  ...packages,
  ...attestation,
  ...trust,
  ...rulebook,
  ...sigstore,
  ...policy,
  ...lint,
  ...layout,
  ...custom,
  ...decision,
  ...config,
  ...signer,
  ...evidence,
  ...external,
  ...source,
  ...materials,
  ...fixture,
  ...imports,
  ...log,
  ...witness,
  ...worker,
  ...builder,
  ...buildRecord,
  ...admission,
  ...server,
  ...proxy,
  ...npmProxy,
  ...breakglass,
  ...bypass,
  ...recheck,
  ...access,
  ...gate,
  ...events,
} as const satisfies Record<string, Entry>

export type ProblemCode = keyof typeof catalogue
