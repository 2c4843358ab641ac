import { accessReviewAskSchema, accessReviewedSchema, grantListSchema } from '#api'
import { checkShape, parseJson } from '#document'
import { SallyportError } from '#error'
import { readBody } from '../body.ts'
import type { AccessDesk, GateService } from './ports.ts'
import type { Route } from './route.ts'

const maxBody = 64 * 1024

/** Who may do what. Who reviews is whoever is authenticated, and never somebody who holds the grant. */
export const accessRoutes: readonly Route[] = [
  {
    method: 'get',
    path: '/api/v1/access/grants',
    summary: 'Every permission, and whether somebody has looked at it',
    roles: ['auditor', 'operator'],
    responses: { 200: { description: 'Grants', schema: grantListSchema } },
    handle: async (call, _, service) => call.json(await deskOf(service).grants()),
  },
  {
    method: 'post',
    path: '/api/v1/access/reviews',
    summary: 'Record that you have looked at grants of others, and that they shall stay',
    roles: ['auditor'],
    request: accessReviewAskSchema,
    responses: { 200: { description: 'It is recorded', schema: accessReviewedSchema } },
    handle: async (call, principal, service) => {
      const what = 'request body'
      const body = await readBody(call.env.incoming, maxBody)
      const ask = checkShape(accessReviewAskSchema, parseJson(body, { what, maxBytes: maxBody }), {
        what,
      })
      return call.json({ entry: await deskOf(service).review(ask, principal) })
    },
  },
]

function deskOf({ access }: GateService): AccessDesk {
  if (access !== undefined) return access
  throw new SallyportError({
    code: 'REQUEST_NOT_FOUND',
    where: 'access',
    expected: 'a gate that tells who may do what',
    found: 'one that does not',
    fix: 'Ask another gate',
  })
}
