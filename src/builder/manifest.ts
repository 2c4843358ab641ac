import { z } from 'zod'
import { parseJson } from '#document'
import type { SourceSnapshot } from '#source'

const schema = z.object({
  version: z
    .string()
    .regex(/^[0-9A-Za-z.+-]{1,128}$/)
    .optional()
    .catch(undefined),
  scripts: z.record(z.string(), z.string()).catch({}).default({}),
})

/** Of a package.json, what the orchestrator reads: from the commit, never from what a step wrote. */
export type Manifest = z.infer<typeof schema>

export async function readManifest(source: SourceSnapshot): Promise<Manifest> {
  const bytes = await source.file('package.json')
  const what = 'package.json of the source'
  const json = bytes === undefined ? {} : parseJson(bytes, { what, maxBytes: 4 * 1024 * 1024 })
  return schema.catch({ scripts: {} }).parse(json)
}
