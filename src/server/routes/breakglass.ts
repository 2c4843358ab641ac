import {
  breakglassAskedSchema,
  breakglassAskSchema,
  breakglassGrantedSchema,
  breakglassGrantSchema,
  breakglassRequestsSchema,
  breakglassReviewedSchema,
  breakglassReviewSchema,
  breakglassUsesSchema,
} from '#api'
import { checkShape, parseJson } from '#document'
import { SallyportError } from '#error'
import type { z } from 'zod'
import { readBody } from '../body.ts'
import type { Call, Route } from './route.ts'
import type { GateService } from './ports.ts'

const maxBody = 512 * 1024
/** With evidence. */
const maxRequest = 8 * 1024 * 1024

/**
 * Emergencies: deployers ask, approvers hand in what they have signed elsewhere, auditors review. The gate has no key that
 * could grant anything, and who asks or reviews is whoever is authenticated.
 */
export const breakglassRoutes: readonly Route[] = [
  {
    method: 'post',
    path: '/api/v1/breakglass/requests',
    summary:
      'Ask for a grant of breakglass: decided and not recorded; nothing follows until an approver signs it',
    roles: ['deployer'],
    request: breakglassAskSchema,
    responses: { 200: { description: 'What an approver signs', schema: breakglassAskedSchema } },
    handle: async (call, { name }, service) => {
      const ask = await bodyOf(call, breakglassAskSchema, maxRequest)
      return call.json(await deskOf(service).request(ask, name))
    },
  },
  {
    method: 'get',
    path: '/api/v1/breakglass/requests',
    summary: 'What was asked for, newest first',
    roles: ['approver', 'auditor', 'operator'],
    responses: { 200: { description: 'Requests', schema: breakglassRequestsSchema } },
    handle: async (call, _, service) => call.json({ requests: await deskOf(service).requests() }),
  },
  {
    method: 'post',
    path: '/api/v1/breakglass/grants',
    summary: 'Hand in a grant that an approver has signed; the gate finds it from then on',
    roles: ['approver'],
    request: breakglassGrantSchema,
    responses: { 200: { description: 'It is kept', schema: breakglassGrantedSchema } },
    handle: async (call, _, service) => {
      const { grant } = await bodyOf(call, breakglassGrantSchema)
      return call.json(await deskOf(service).grant(grant))
    },
  },
  {
    method: 'get',
    path: '/api/v1/breakglass/uses',
    summary: 'Every use of breakglass, and whether somebody has reviewed it',
    roles: ['viewer', 'approver', 'auditor', 'operator'],
    responses: { 200: { description: 'Newest first', schema: breakglassUsesSchema } },
    handle: async (call, _, service) => call.json(await deskOf(service).uses()),
  },
  {
    method: 'post',
    path: '/api/v1/breakglass/reviews',
    summary: 'Close a use, as somebody who neither asked nor approved',
    roles: ['auditor'],
    request: breakglassReviewSchema,
    responses: { 200: { description: 'It is recorded', schema: breakglassReviewedSchema } },
    handle: async (call, { name }, service) => {
      const review = await bodyOf(call, breakglassReviewSchema)
      return call.json({ entry: await deskOf(service).review(review, name) })
    },
  },
]

async function bodyOf<T>(call: Call, schema: z.ZodType<T>, maxBytes = maxBody): Promise<T> {
  const what = 'request body'
  const body = await readBody(call.env.incoming, maxBytes)
  return checkShape(schema, parseJson(body, { what, maxBytes }), { what })
}

function deskOf({ breakglass }: GateService): NonNullable<GateService['breakglass']> {
  if (breakglass !== undefined) return breakglass
  throw new SallyportError({
    code: 'REQUEST_NOT_FOUND',
    where: 'breakglass',
    expected: 'a gate that keeps requests and grants',
    found: 'one that does not',
    fix: 'Ask the gate that decides for this environment',
  })
}
