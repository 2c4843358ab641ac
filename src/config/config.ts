import type { AccessReviewConfig } from './access-review.ts'
import type { AlarmsConfig } from './alarms.ts'
import type { BuildRecordConfig } from './build-record.ts'
import type { ChokePointsConfig } from './choke-points.ts'
import type { EventsConfig } from './events.ts'
import type { AccessConfig, AdmissionConfig, ServeConfig } from './gate-config.ts'
import type { LogWitnessesConfig } from './log-witnesses.ts'
import type { ProxiesConfig } from './proxies.ts'
import type { RulebookConfig } from './rulebook.ts'
import type { SpoolConfig } from './spool-schema.ts'
import type { StoreConfig } from './store-schema.ts'

/** Two files that belong together: an encrypted private key, and the passphrase its signer process reads. */
export interface KeyFiles {
  readonly file: string
  readonly passphraseFile: string
}

/** The keys of a home folder. Each is held by a process of its own while it is used. */
export interface KeySet {
  /** Signs provenance of builds whose root was unpacked from locked Debian packages. */
  readonly builderPinned: KeyFiles
  /** Signs provenance of builds whose root was measured from what is installed here. */
  readonly builderMeasured: KeyFiles
  readonly approver: KeyFiles
  /** Signs summaries of decisions for others. */
  readonly verifier: KeyFiles
  /** Signs grants of breakglass; on the machine of who may approve them. */
  readonly breakglass: KeyFiles
  /** Ed25519, and ML-DSA-44 under the same passphrase. */
  readonly log: KeyFiles & { readonly mlDsaFile: string }
}

/** How a rebuilt or built artifact gets its system root: `auto` prefers pinned and says so when it cannot. */
export type RootChoice = 'auto' | 'pinned' | 'measured'

/** Where evidence is looked for besides beside the artifact, and how those places are spoken to. */
export interface EvidencePlaces {
  /** Folders of attestations, by digest. */
  readonly directories: readonly string[]
  /** Stores that answer `GET ADDRESS/sha256/HEX`. */
  readonly stores: readonly string[]
  readonly registries: {
    /** The only OCI registries that may be asked; absent: the one that whoever asks has named. */
    readonly allow?: readonly string[]
    /** Hosts that are spoken to without TLS; absent: this machine only. */
    readonly plainHttp?: readonly string[]
    /** PEM certificates of private authorities, believed beside those of the system. */
    readonly ca?: string
    /** A Docker configuration with credentials; absent: that of the user. */
    readonly credentials?: string
    readonly allowAddresses: readonly string[]
  }
  /** Where `pkg:npm/…` is; absent: nowhere. */
  readonly npmRegistry?: string
  /** For all places together. */
  readonly timeoutMs: number
}

/** Everything Sallyport is told about this place: frozen, every path absolute, nothing left to default. */
export interface Config {
  readonly home: string
  /** The file it was read from. */
  readonly file: string
  /** How this place calls itself in recorded decisions. */
  readonly chokePoint: string
  readonly trust: string
  /** Policy files, and folders whose `*.yaml` are policy files. */
  readonly policies: readonly string[]
  /** Files and folders of meta-policies, which hold whatever policies are named in place of the above. */
  readonly metaPolicies: readonly string[]
  /** How this place calls itself in the verification summaries that it signs; absent: it signs none. */
  readonly verifierId?: string
  readonly log: {
    readonly origin: string
    readonly verifierKeys: readonly string[]
    readonly folder: string
    /** Where the log's signer remembers the newest checkpoint it signed: apart from the log, or a roll-back takes it along. */
    readonly memory: string
    /** Where decisions wait while the log is away; absent: nothing is admitted then. */
    readonly spool?: SpoolConfig
    /** Who cosigns its checkpoints; absent: nobody. */
    readonly witnesses?: LogWitnessesConfig
  }
  readonly keys: KeySet
  readonly build: {
    readonly folder: string
    readonly blobs: string
    readonly work: string
    readonly root: RootChoice
    /** Who else keeps a record of every build; absent: nobody. */
    readonly record?: BuildRecordConfig
  }
  readonly evidence: EvidencePlaces
  /** Who has to sign policies and trust file; absent: whoever can write them decides. */
  readonly rulebook?: RulebookConfig
  /** Where log and bodies are kept, when not in files of the home folder. */
  readonly store: StoreConfig
  /** `sallyport serve`. */
  readonly serve: ServeConfig
  readonly access: AccessConfig
  /** How often somebody has to look at what others may do. */
  readonly accessReview: AccessReviewConfig
  /** Through which points everything reaches its target. */
  readonly chokePoints: readonly ChokePointsConfig[]
  /** The Kubernetes webhook; absent where there is none. */
  readonly admission?: AdmissionConfig
  /** What is pulled through the gate: images, packages. */
  readonly proxies: ProxiesConfig
  /** Who hears of what is let in although the answer was not yes. */
  readonly alarms: AlarmsConfig
  /** What leaves for a SIEM. */
  readonly events: EventsConfig
  /** Where requests, grants and accepted risks are kept. */
  readonly breakglass: { readonly folder: string }
}
