import { z } from 'zod'
import { problemsSchema } from './schemas.ts'

/** One operation of the API, as the routes and the document both use it. */
export interface Operation {
  readonly method: 'get' | 'post'
  /** With parameters as `{name}`. */
  readonly path: string
  readonly summary: string
  /** Who may: one of these roles; empty when everybody may. */
  readonly roles: readonly string[]
  readonly request?: z.ZodType
  readonly parameters?: readonly Parameter[]
  readonly responses: Readonly<Record<number, Answered>>
  /** How it says that it has no answer, where its callers read no problems. */
  readonly failed?: Answered
}

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly schema: z.ZodType
  readonly description: string
}

export interface Answered {
  readonly description: string
  readonly mediaType?: string
  readonly schema?: z.ZodType
}

/** The OpenAPI 3.1 document of these operations, made from the schemas that requests are checked with. */
export function openApi(
  operations: readonly Operation[],
  version: string,
): Readonly<Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const operation of operations) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describe(operation) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sallyport',
      version,
      description: 'The guarded gate for production: may this artifact run here?',
    },
    paths,
    components: {
      responses: {
        Problems: {
          description: 'What was wrong, and what to do',
          content: contentOf('application/problem+json', problemsSchema),
        },
      },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        certificate: { type: 'mutualTLS' },
      },
    },
  }
}

function describe({ summary, roles, request, parameters, responses, failed }: Operation) {
  const needs = roles.length === 0 ? [] : [{ bearer: [] }, { certificate: [] }]
  return {
    summary,
    ...(roles.length === 0 ? {} : { description: `Needs the role ${roles.join(' or ')}.` }),
    security: needs,
    ...(parameters === undefined
      ? {}
      : {
          parameters: parameters.map(({ schema, ...more }) => ({
            ...more,
            required: more.in === 'path',
            schema: z.toJSONSchema(schema, { io: 'input' }),
          })),
        }),
    ...(request === undefined
      ? {}
      : { requestBody: { required: true, content: contentOf('application/json', request) } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(responses).map(([status, answered]) => [status, responseOf(answered)]),
      ),
      default:
        failed === undefined ? { $ref: '#/components/responses/Problems' } : responseOf(failed),
    },
  }
}

function responseOf({ description, mediaType = 'application/json', schema }: Answered) {
  return { description, ...(schema === undefined ? {} : { content: contentOf(mediaType, schema) }) }
}

function contentOf(mediaType: string, schema: z.ZodType) {
  return { [mediaType]: { schema: z.toJSONSchema(schema, { io: 'input' }) } }
}
