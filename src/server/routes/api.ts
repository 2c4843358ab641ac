import { Hono } from 'hono'
import { z } from 'zod'
import {
  answerSchema,
  askSchema,
  decisionListSchema,
  openApi,
  problemsSchema,
  providerRequestSchema,
  providerResponseSchema,
  targetsSchema,
} from '#api'
import { accountOf, engine, summaryOf } from '#decision'
import { checkShape, parseJson } from '#document'
import { SallyportError } from '#error'
import type { Access } from '../access/access.ts'
import type { Principal } from '../access/principal.ts'
import { readBody } from '../body.ts'
import { problemResponseOf } from '../problem-response.ts'
import { checkMethod, reading } from '../wrong-method.ts'
import { answerProvider, failProvider, maxProviderRequest } from './external-data.ts'
import { accessRoutes } from './access.ts'
import { breakglassRoutes } from './breakglass.ts'
import { buildRoutes } from './builds.ts'
import { deploymentRoutes } from './deployments.ts'
import { numberOf } from './number.ts'
import { recheckRoutes } from './rechecks.ts'
import { answerReceipt, receiptParameters, receiptResponses } from './receipt.ts'
import type { GateService } from './ports.ts'
import type { Bindings, Call, Route } from './route.ts'

const maxBody = 8 * 1024 * 1024
const index = z.int().min(0)

/** Every operation, with who may ask for it. What is not here does not exist. */
export const routes: readonly Route[] = [
  {
    method: 'post',
    path: '/api/v1/decisions',
    summary: 'May this artifact run there? Recorded before it is answered.',
    roles: ['deployer'],
    request: askSchema,
    responses: {
      200: { description: 'It may', schema: answerSchema },
      403: { description: 'It may not, and why', schema: answerSchema },
      503: { description: 'It could not be told, and why', schema: answerSchema },
      504: { description: 'There was no answer in time', schema: problemsSchema },
    },
    handle: decide,
  },
  {
    method: 'get',
    path: '/api/v1/decisions',
    summary: 'The newest decisions',
    roles: ['viewer', 'auditor', 'operator'],
    parameters: [
      { name: 'before', in: 'query', schema: index, description: 'only entries before this one' },
      { name: 'limit', in: 'query', schema: z.int().min(1).max(100), description: 'default 20' },
    ],
    responses: { 200: { description: 'Newest first', schema: decisionListSchema } },
    handle: async (call, _, service) =>
      call.json(
        await service.decisions({
          ...optional('before', numberOf(call, 'before', index)),
          limit: numberOf(call, 'limit', z.int().min(1).max(100)) ?? 20,
        }),
      ),
  },
  {
    method: 'get',
    path: '/api/v1/decisions/{entry}/receipt',
    summary: 'The receipt of one decision, which can be checked without the gate',
    roles: ['viewer', 'auditor', 'operator', 'deployer'],
    parameters: receiptParameters,
    responses: receiptResponses,
    handle: answerReceipt,
  },
  {
    method: 'get',
    path: '/api/v1/targets',
    summary: 'Every target, and the policy that decides there',
    roles: ['viewer', 'auditor', 'operator', 'deployer', 'approver'],
    responses: { 200: { description: 'In the order of their names', schema: targetsSchema } },
    handle: (call, _, service) => Promise.resolve(call.json(service.targets())),
  },
  {
    method: 'post',
    path: '/gatekeeper/v1/validate',
    summary: 'May these images run? An external data provider of OPA Gatekeeper',
    roles: ['deployer'],
    request: providerRequestSchema,
    responses: { 200: { description: 'One item for each key', schema: providerResponseSchema } },
    handle: async (call, { name }, service) => {
      const body = await readBody(call.env.incoming, maxProviderRequest)
      return call.json(await answerProvider(body, name, service))
    },
    failed: { description: 'Why nothing could be told', schema: providerResponseSchema },
    fail: failProvider,
  },
  ...breakglassRoutes,
  ...accessRoutes,
  ...deploymentRoutes,
  ...buildRoutes,
  ...recheckRoutes,
]

/** Which addresses are those of a route. */
export const patterns = routes.map(({ method, path }) => ({
  method,
  path,
  pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
}))

/** The HTTP API. Every route asks who it is before it reads anything else. */
export function openApiRoutes(
  service: GateService,
  access: Access,
  onError: (error: unknown) => void,
): Hono<Bindings> {
  const app = new Hono<Bindings>()
  for (const route of routes) {
    const path = route.path.replaceAll(/\{(\w+)\}/g, ':$1')
    app.on(route.method.toUpperCase(), path, async (call: Call) => {
      try {
        const principal = await access.require(call.env.incoming, route.roles)
        return await route.handle(call, principal, service)
      } catch (error) {
        if (route.fail === undefined) throw error
        return failed(error, route.fail)
      }
    })
  }
  const document = openApi(routes, engine.version)
  app.get('/openapi.json', (call) => call.json(document))
  app.notFound((call) => {
    const methods = methodsAt(call.req.path)
    if (methods.length > 0) checkMethod(call.req.method, methods, call.req.path)
    throw new SallyportError({
      code: 'REQUEST_NOT_FOUND',
      where: call.req.path.slice(0, 200),
      expected: 'an address that /openapi.json lists',
      found: `${call.req.method} ${call.req.path}`.slice(0, 220),
      fix: 'Look at /openapi.json',
    })
  })
  const failed = (error: unknown, bodyOf?: Route['fail']): Response => {
    if (!(error instanceof SallyportError)) onError(error)
    const { status, headers, body } = problemResponseOf(error, bodyOf)
    return new Response(body, { status, headers })
  }
  app.onError((error) => failed(error))
  return app
}

/** What an address takes; nothing where there is none. */
function methodsAt(path: string): readonly string[] {
  if (path === '/openapi.json') return reading
  return patterns
    .filter(({ pattern }) => pattern.test(path))
    .flatMap(({ method }) => (method === 'get' ? reading : [method.toUpperCase()]))
}

async function decide(call: Call, principal: Principal, service: GateService): Promise<Response> {
  const what = 'request body'
  const body = await readBody(call.env.incoming, maxBody)
  const ask = checkShape(askSchema, parseJson(body, { what, maxBytes: maxBody }), { what })
  const { decision, entry, spooled } = await service.decide(ask, principal.name)
  const { verdict, effect } = decision
  const sequenced = entry === undefined ? {} : { entry, receipt: 'sequenced' }
  const where = spooled === undefined ? sequenced : { receipt: 'spooled', spooled }
  const told = entry ?? (spooled === undefined ? undefined : 'spooled')
  const summary = summaryOf(accountOf(decision), told === undefined ? {} : { index: told })
  const answer = { verdict, effect, summary, ...where, decision }
  return call.json(answer, statusOf(verdict, effect))
}

function statusOf(verdict: string, effect: string): 200 | 403 | 503 {
  if (effect !== 'blocked') return 200
  return verdict === 'UNDETERMINED' ? 503 : 403
}

function optional<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { [name in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [name in Name]: Value })
}
