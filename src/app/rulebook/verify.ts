import { join } from 'node:path'
import type { Config, RulebookConfig } from '#config'
import { SallyportError } from '#error'
import { readRulebookFiles } from '../rulebook.ts'
import { beginSigned, checkSigned, verifySigned, type SignedRulebook } from './signed.ts'

export interface RulebookReport {
  /** The edition of the keys, and whose they are. */
  readonly keys: {
    readonly version: number
    readonly threshold: number
    readonly owners: readonly string[]
  }
  readonly files: readonly {
    readonly file: string
    readonly kind: string
    readonly name: string
    readonly version: number
    readonly sha256: string
  }[]
  readonly memory: string
}

/** Verifies policies and trust file as every decision does: signatures, editions, and what was seen before. */
export async function verifyRulebook(config: Config, now: Date): Promise<RulebookReport> {
  const rulebook = rulebookOf(config)
  const question = { ...(await readRulebookFiles(config)), now }
  await checkSigned(config, question)
  return reportOf(await verifySigned(config, rulebook, question), rulebook)
}

/** Begins to remember which editions were seen; older ones are refused from then on. */
export async function beginRulebook(config: Config, now: Date): Promise<RulebookReport> {
  const rulebook = rulebookOf(config)
  const question = { ...(await readRulebookFiles(config)), now }
  return reportOf(await beginSigned(config, rulebook, question), rulebook)
}

function rulebookOf({ rulebook, home }: Config): RulebookConfig {
  if (rulebook !== undefined) return rulebook
  throw new SallyportError({
    code: 'RULEBOOK_KEYS',
    where: join(home, 'sallyport.yaml'),
    expected: '`rulebook: {trust: NAME, keys: […], threshold: N}`: who has to sign',
    found: 'nothing: whoever can write policies and trust file decides',
    fix: 'Have each owner run `sallyport rulebook key --owner NAME`, and write what it prints into sallyport.yaml',
  })
}

function reportOf({ keys, files }: SignedRulebook, { memory }: RulebookConfig): RulebookReport {
  const { version, threshold } = keys
  return {
    keys: { version, threshold, owners: [...new Set(keys.keys.map(({ owner }) => owner))] },
    files: files.map(({ file, kind, name, version: edition, sha256 }) => ({
      file,
      kind,
      name,
      version: edition,
      sha256,
    })),
    memory,
  }
}
