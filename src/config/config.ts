/** Two files that belong together: an encrypted private key, and the passphrase its signer process reads. */
export interface KeyFiles {
  readonly file: string
  readonly passphraseFile: string
}

/** How a rebuilt or built artifact gets its system root: `auto` prefers pinned and says so when it cannot. */
export type RootChoice = 'auto' | 'pinned' | 'measured'

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
  readonly log: { readonly origin: string; readonly folder: string; readonly memory: string }
  readonly keys: {
    readonly builder: KeyFiles
    readonly approver: KeyFiles
    readonly log: KeyFiles
    readonly logMlDsa: KeyFiles
  }
  readonly build: {
    readonly folder: string
    readonly blobs: string
    readonly work: string
    readonly root: RootChoice
  }
}
