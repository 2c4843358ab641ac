export {
  askIssuer,
  openAccess,
  type Access,
  type AccessOptions,
  type RefusedAccess,
} from './access/access.ts'
export { openOidc, type OidcLookup } from './access/oidc.ts'
export { roles, type IssuerGrant, type Principal, type Role } from './access/principal.ts'
export type {
  AccessSettings,
  CertificateGrant,
  OidcGrant,
  OidcIssuer,
  TokenGrant,
} from './access/settings.ts'
export { readBody } from './body.ts'
export { listen, type Listener, type ListenLimits, type ListenOptions } from './listen.ts'
export type { TlsFiles } from './tls.ts'
export { startGateServer, type GateServerOptions } from './gate-server.ts'
export { startWitnessServer, type WitnessServerOptions } from './witness-server.ts'
export { openJournal, type Journal } from './journal.ts'
export { openMetrics, type Metrics, type Readings } from './metrics.ts'
export type {
  Decided,
  EntryReceipt,
  GateService,
  ReceiptState,
  ReceiptWait,
} from './routes/ports.ts'
