import type { LayoutKey } from './key.ts'

/** Digests of one file by algorithm, in hexadecimal as it is written. */
export type Hashes = Readonly<Record<string, string>>

/** Files by their path, exactly as it is written. */
export type Artifacts = ReadonlyMap<string, Hashes>

/** A supply chain as its owner wants it: in-toto specification 1.0, 4.3. */
export interface Layout {
  readonly expires: Date
  readonly readme: string
  /** By the id that the layout gives them; subkeys too. */
  readonly keys: ReadonlyMap<string, LayoutKey>
  readonly steps: readonly Step[]
  readonly inspect: readonly Inspection[]
}

/** What steps and inspections have in common: a name, and rules about files. */
export interface Item {
  readonly name: string
  readonly expectedMaterials: readonly ArtifactRule[]
  readonly expectedProducts: readonly ArtifactRule[]
}

export interface Step extends Item {
  readonly threshold: number
  /** Ids of the keys whose holders may do the step. */
  readonly pubkeys: readonly string[]
  readonly expectedCommand: readonly string[]
}

/** A command that whoever verifies must run. */
export interface Inspection extends Item {
  readonly run: readonly string[]
}

export type ArtifactRule = SimpleRule | MatchRule

export interface SimpleRule {
  readonly type: 'CREATE' | 'DELETE' | 'MODIFY' | 'ALLOW' | 'DISALLOW' | 'REQUIRE'
  readonly pattern: string
}

export interface MatchRule {
  readonly type: 'MATCH'
  readonly pattern: string
  readonly sourcePrefix: string
  readonly destinationPrefix: string
  readonly with: 'materials' | 'products'
  readonly from: string
}

/** What somebody says about doing a step: in-toto specification 1.0, 4.4. */
export interface StepLink {
  readonly name: string
  readonly command: readonly string[]
  readonly materials: Artifacts
  readonly products: Artifacts
}
