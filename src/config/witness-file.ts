import { join, relative, resolve } from 'node:path'
import { z } from 'zod'
import { checkShape, deepFreeze, parseYaml } from '#document'
import { SallyportError } from '#error'
import type { KeyFiles } from './config.ts'
import { checkEnvironment, valueOf } from './environment.ts'
import { serveOf, type ServeConfig } from './gate-config.ts'
import { serveSchema } from './gate-schema.ts'
import { checkHome, type ConfigOptions } from './load.ts'
import { readRegular } from './read-regular.ts'

const path = z.string().min(1).max(4096)

/** `witness.yaml`: a witness has a home of its own, because beside the log it watches it would prove nothing. */
export const witnessSchema = z.strictObject({
  apiVersion: z.literal('sallyport.dev/v1'),
  kind: z.literal('Witness'),
  name: z
    .string()
    .max(255)
    .regex(/^[^\s+]+$/u, 'a name without spaces and plus signs, such as witness.example/w1'),
  logs: z
    .array(
      z.strictObject({
        origin: z.string().min(1).max(255),
        verifierKeys: z.array(z.string().min(1).max(8192)).min(1).max(16),
      }),
    )
    .max(10_000)
    .default([]),
  folder: path.default('cosigned'),
  keys: z
    .strictObject({
      file: path.default('keys/witness.pem'),
      mlDsaFile: path.default('keys/witness-ml-dsa.pem'),
      passphraseFile: path.default('keys/witness.pass'),
    })
    .prefault({}),
  serve: serveSchema.prefault({ port: 8444 }),
})

/** Everything a witness is told: frozen, every path absolute. */
export interface WitnessConfig {
  readonly home: string
  readonly file: string
  readonly name: string
  readonly logs: readonly { readonly origin: string; readonly verifierKeys: readonly string[] }[]
  /** Where it keeps what it has cosigned. */
  readonly folder: string
  readonly keys: KeyFiles & { readonly mlDsaFile: string }
  readonly serve: ServeConfig
}

/** The home of a witness: `--home`, else SALLYPORT_HOME, else `.sallyport-witness` in the working folder. */
export function witnessHomeOf({ home, cwd, env }: ConfigOptions): string {
  return resolve(cwd, home ?? valueOf(env, 'SALLYPORT_HOME') ?? '.sallyport-witness')
}

/**
 * Reads `witness.yaml` of a home folder.
 *
 * @throws SallyportError HOME_MISSING, HOME_UNSAFE, HOME_INCOMPLETE, DOCUMENT_*, CONFIG_*
 */
export function loadWitnessConfig(options: ConfigOptions): WitnessConfig {
  const home = witnessHomeOf(options)
  const file = join(home, 'witness.yaml')
  SallyportError.throwAll(checkEnvironment(options.env))
  checkHome(home, options.cwd)
  const shown = relative(options.cwd, file) || file
  const document = parseYaml(read(file, shown), { file: shown })
  const { name, logs, folder, keys, serve } = checkShape(witnessSchema, document.value, {
    what: shown,
    locate: (at) => document.locate(at),
  })
  return deepFreeze({
    home,
    file,
    name,
    logs,
    folder: resolve(home, folder),
    keys: witnessKeysOf(home, keys),
    serve: serveOf(home, serve),
  })
}

/** Where the keys of a witness are; also asked by `witness init`, before there is a configuration. */
export function witnessKeysOf(
  home: string,
  keys: WitnessConfig['keys'] = witnessSchema.shape.keys.parse({}),
): WitnessConfig['keys'] {
  return {
    file: resolve(home, keys.file),
    mlDsaFile: resolve(home, keys.mlDsaFile),
    passphraseFile: resolve(home, keys.passphraseFile),
  }
}

function read(file: string, shown: string): Uint8Array {
  try {
    return readRegular(file)
  } catch (cause) {
    throw new SallyportError(
      {
        code: 'HOME_INCOMPLETE',
        where: shown,
        expected: 'the configuration file of a witness',
        found: String((cause as NodeJS.ErrnoException).code),
        fix: 'Run `sallyport witness init`, or name the home of the witness with --home',
      },
      { cause },
    )
  }
}
