import { z } from 'zod'
import { parsePattern } from './pattern.ts'
import { parseDuration, parseSize } from './units.ts'

export const recipeSchema = 'https://sallyport.dev/recipe/v1'

/** A path inside the source: relative, no `..`, no odd characters, never into `.git`. */
export const relativePath = z
  .string()
  .max(512)
  .regex(/^[A-Za-z0-9._@+][A-Za-z0-9._@+-]{0,254}(\/[A-Za-z0-9._@+][A-Za-z0-9._@+-]{0,254})*$/, {
    error: 'a relative path whose parts are letters, digits and ._@+-, and do not begin with -',
  })
  .refine((path) => !path.split('/').some((part) => /^(\.{1,2}|\.git)$/i.test(part)), {
    error: 'a relative path without ".", ".." and ".git"',
  })

const identifier = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, {
  error: 'a name of at most 32 lower-case letters, digits and hyphens',
})
const text = z
  .string()
  .max(8192)
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused
  .regex(/^[^\u0000-\u0008\u000b-\u001f\u007f]*$/, { error: 'text without control characters' })
const parameterValue = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[\u0020-\u007e]*$/, { error: 'printable ASCII' })

const parameterName = z.string().regex(/^[a-z][A-Za-z0-9_]{0,31}$/, {
  error: 'a name of at most 32 letters, digits and underscores',
})
const parameter = z.union([
  z.strictObject({
    enum: z.array(parameterValue).min(1).max(64),
    default: parameterValue.optional(),
  }),
  z.strictObject({
    pattern: z
      .string()
      .max(256)
      .refine((pattern) => parsePattern(pattern) !== undefined, {
        error:
          'a pattern between ^ and $ of characters and [classes] with ?, *, +, {n} or {m,n}; no groups, no alternatives',
      }),
    default: parameterValue.optional(),
  }),
])

const size = z
  .string()
  .refine((value) => (parseSize(value) ?? 0) <= 64 * 1024 ** 3 && parseSize(value) !== undefined, {
    error: 'a size such as "512MiB" or "4GiB", at most 64GiB',
  })
const duration = z.string().refine((value) => (parseDuration(value) ?? Infinity) <= 6 * 3600, {
  error: 'a duration such as "90s" or "10m", at most 6h',
})

const environment = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, { error: 'a name of a variable' }),
  text,
)
const command = z.array(text).min(1).max(256)
const output = z.strictObject({ path: relativePath, type: z.enum(['file', 'directory']) })

const step = z.strictObject({
  id: identifier,
  run: z.array(command).min(1).max(32),
  cwd: relativePath.optional(),
  env: environment.optional(),
  inputs: z.array(identifier).max(16).optional(),
  npm: z.boolean().optional(),
  scripts: z.array(z.string().min(1).max(256)).max(64).optional(),
  outputs: z.array(output).min(1).max(64),
})

export const recipe = z.strictObject({
  schema: z.literal(recipeSchema),
  package: z
    .string()
    .max(256)
    .regex(/^pkg:[a-z][a-z0-9.+-]*\/[^\s@?#]+$/, {
      error: 'a package URL without version, such as "pkg:npm/sallyport"',
    }),
  platform: z.enum(['linux/amd64', 'linux/arm64']),
  lock: relativePath,
  root: z.strictObject({
    debian: z
      .array(
        z.string().regex(/^[a-z0-9][a-z0-9+.-]{1,63}$/, { error: 'a name of a Debian package' }),
      )
      .min(1)
      .max(256),
  }),
  toolchains: z
    .array(
      z.strictObject({
        material: z.string().min(1).max(256),
        at: z.string().regex(/^\/tool\/[a-z0-9-]{1,32}$/, { error: 'a folder directly in /tool' }),
      }),
    )
    .max(16)
    .default([]),
  parameters: z.record(parameterName, parameter).default({}),
  env: environment.default({}),
  sourceDateEpoch: z
    .union([z.literal('commit'), z.int().min(0).max(253_402_300_799)])
    .default('commit'),
  steps: z.array(step).min(1).max(32),
  outputs: z
    .array(
      z.strictObject({
        step: identifier,
        path: relativePath,
        mediaType: z
          .string()
          .max(128)
          .regex(/^[a-z0-9.+-]+\/[a-z0-9.+-]+$/)
          .optional(),
      }),
    )
    .min(1)
    .max(64),
  limits: z
    .strictObject({
      memory: size.optional(),
      disk: size.optional(),
      processes: z.int().min(1).max(32_768).optional(),
      wall: duration.optional(),
    })
    .default({}),
})

export type Recipe = z.infer<typeof recipe>
export type RecipeStep = Recipe['steps'][number]
