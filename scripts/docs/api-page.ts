import { z } from 'zod'
import { openApi, type Operation } from '#api'
import { engine } from '#decision'
import { places } from '../../src/server/gate-server.ts'
import { routes } from '../../src/server/routes/api.ts'
import type { Route } from '../../src/server/routes/route.ts'
import { cell, fieldTable, type Schema } from './schema-table.ts'

/** docs/reference/api.md: every address of the gate, who may ask there, and every field of what is sent and answered. */
export function apiPage(): string {
  return [
    '# The API',
    '',
    'Generated from the routes and their schemas by `node scripts/docs.ts`. How to ask stands in [ask over HTTP](../http.md); a gate serves',
    'this as `/openapi.json`, which is [openapi.json](openapi.json) here.',
    '',
    ...overview(),
    '',
    ...routes.flatMap(sectionOf),
  ].join('\n')
}

/** docs/reference/openapi.json */
export function apiDocument(): string {
  return `${JSON.stringify(openApi(routes, engine.version), undefined, 2)}\n`
}

function overview(): readonly string[] {
  const rows = routes.map((route) => [linkTo(route), rolesOf(route.roles), route.summary])
  const others = places.map(({ path, roles, opened }) => [
    `\`${path}\``,
    `${rolesOf(roles)}${opened === undefined ? '' : `; everybody with \`serve.open.${opened}\``}`,
    described[path] ?? '',
  ])
  return [
    '| address | roles that may | what it is |',
    '| --- | --- | --- |',
    ...[...rows, ...others].map((row) => `| ${row.map(cell).join(' | ')} |`),
  ]
}

/** Of addresses that are no operations of the API. */
const described: Readonly<Record<string, string>> = {
  '/admission/validate': 'AdmissionReview of Kubernetes ([Kubernetes](../kubernetes.md))',
  '/admission/pin': 'AdmissionReview: tags of pods become digests',
  '/log/tile/entries/': 'entries of the log, as C2SP tlog-tiles',
  '/log/': 'checkpoint and tiles of the log, as C2SP tlog-tiles ([witnesses](../witnesses.md))',
  '/healthz': 'whether the process runs',
  '/readyz': 'whether it can answer and record ([operations](../operations.md))',
  '/metrics': 'Prometheus',
}

function rolesOf(roles: readonly string[] | string): string {
  return typeof roles === 'string' ? roles : roles.join(', ')
}

function titleOf({ method, path }: Route): string {
  return `${method.toUpperCase()} ${path}`
}

function linkTo(route: Route): string {
  const anchor = titleOf(route)
    .toLowerCase()
    .replaceAll(/[^a-z0-9 _-]/g, '')
    .replaceAll(' ', '-')
  return `[\`${titleOf(route)}\`](#${anchor})`
}

function sectionOf(route: Route): readonly string[] {
  const { summary, roles, parameters = [], request, responses, failed } = route
  return [
    `## ${titleOf(route)}`,
    '',
    `${summary} Roles: ${rolesOf(roles)}.`.replace(/([^.?!]) Roles:/, '$1. Roles:'),
    '',
    ...(parameters.length === 0 ? [] : parameterList(parameters)),
    ...(request === undefined ? [] : ['Sent:', '', ...fieldTable(schemaOf(request)), '']),
    ...Object.entries(responses).flatMap(answerOf(responses)),
    ...(failed === undefined
      ? []
      : [`**Any other**: ${failed.description}, in the same form.`, '']),
  ]
}

function parameterList(parameters: NonNullable<Route['parameters']>): readonly string[] {
  const rows = parameters.map(
    ({ name, in: place, description }) => `- \`${name}\`, in the ${place}: ${description}`,
  )
  return [...rows, '']
}

/** Fields are told once for all statuses that answer with the same. */
function answerOf(all: Operation['responses']) {
  return ([status, { description, mediaType, schema }]: [
    string,
    Operation['responses'][number],
  ]): readonly string[] => {
    const type = mediaType === undefined ? '' : ` (\`${mediaType}\`)`
    const same = Object.keys(all).find((one) => all[Number(one)]?.schema === schema)
    const fields = schema === undefined ? {} : (schemaOf(schema).properties ?? {})
    const isTold = same !== status || Object.keys(fields).length === 0
    const table = isTold || schema === undefined ? [] : [...answerTable(schemaOf(schema)), '']
    return [`**${status}**: ${description}${type}.`, '', ...table]
  }
}

/** Who reads an answer needs nothing; fields are there, or are not. */
function answerTable(schema: Schema): readonly string[] {
  const [, ...rows] = fieldTable(schema)
  const head = '| field | what stands there | there | meaning |'
  return [head, ...rows.map((row) => row.replace('| **needed** |', '| always |'))]
}

function schemaOf(schema: z.ZodType): Schema {
  return z.toJSONSchema(schema, { io: 'input' }) as Schema
}
