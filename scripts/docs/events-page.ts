import { eventTypePrefix, eventTypes, securityEventJsonSchema, type EventName } from '#api'
import { cell, fieldTable } from './schema-table.ts'

/** docs/reference/events.md: every type of event, and every field. */
export function eventsPage(): string {
  const names = Object.keys(eventTypes) as EventName[]
  return [
    '# Events',
    '',
    'Generated from the schema by `node scripts/docs.ts`. How events leave, and which, stands in [events](../events.md). The JSON Schema',
    'of one event is [security-event.schema.json](security-event.schema.json).',
    '',
    '## Types',
    '',
    `The \`type\` of an event is \`${eventTypePrefix}\` and its name. A name is never reused and never changes its meaning; in syslog it is the MSGID.`,
    '',
    '| name | kind | severity | when |',
    '| --- | --- | --- | --- |',
    ...names.map((name) => {
      const { kind, severity, title } = eventTypes[name]
      return `| \`${name}\` | ${kind} | ${severity} | ${cell(title)} |`
    }),
    '',
    '## Fields',
    '',
    ...fieldTable(securityEventJsonSchema()).map((row) =>
      row.replace(typesCell, '`dev.sallyport.…`'),
    ),
    '',
  ].join('\n')
}

/** Every type in one cell says nothing that the table above does not say. */
const typesCell = new RegExp(`\`${eventTypePrefix}[a-z.-]+\`(?:, \`${eventTypePrefix}[a-z.-]+\`)+`)

/** docs/reference/security-event.schema.json */
export function eventSchema(): string {
  return `${JSON.stringify(securityEventJsonSchema(), undefined, 2)}\n`
}
