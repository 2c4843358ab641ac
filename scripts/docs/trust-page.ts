import { trustJsonSchema } from '#trust'
import { fieldTable } from './schema-table.ts'

/** docs/reference/trust.md: every field of the trust file. */
export function trustPage(): string {
  return [
    '# The trust file',
    '',
    'Generated from the schema by `node scripts/docs.ts`. The trust file says who may say what, from when to when. Policies name its',
    'signers, never keys or identities. How it is used stands in [src/core/trust](../../src/core/trust/README.md); an example is',
    '[examples/trust.yaml](../../examples/trust.yaml).',
    '',
    'Editors with yaml-language-server complete and check trust files that begin with',
    '',
    '```yaml',
    '# yaml-language-server: $schema=./node_modules/sallyport/schemas/trust.schema.json',
    '```',
    '',
    '## Fields',
    '',
    ...fieldTable(trustJsonSchema()),
    '',
    'A field that is not listed here is refused. Names, URIs and subjects match exactly; a prefix ends in `/` or `@`, so that no',
    'longer name fits below it.',
    '',
    'What `sallyport policy check` finds questionable in a trust file stands under [lints](lints.md).',
    '',
  ].join('\n')
}
