import { deployedSchema, deploymentAskSchema } from '#api'
import { checkShape, parseJson } from '#document'
import { SallyportError } from '#error'
import { readBody } from '../body.ts'
import type { Route } from './route.ts'

const maxBody = 64 * 1024
const what = 'request body'

/** What came of a decision is recorded for who asked for it, and for nobody else. */
export const deploymentRoutes: readonly Route[] = [
  {
    method: 'post',
    path: '/api/v1/deployments',
    summary: 'Record how a deployment has ended that you were allowed',
    roles: ['deployer'],
    request: deploymentAskSchema,
    responses: { 200: { description: 'It is recorded', schema: deployedSchema } },
    handle: async (call, { name }, service) => {
      const body = await readBody(call.env.incoming, maxBody)
      const value = parseJson(body, { what, maxBytes: maxBody })
      const ask = checkShape(deploymentAskSchema, value, { what })
      if (service.deployed === undefined) throw new SallyportError(notKept)
      return call.json({ entry: await service.deployed(ask, name) })
    },
  },
]

const notKept = {
  code: 'REQUEST_NOT_FOUND',
  where: 'deployments',
  expected: 'a gate that records deployments',
  found: 'one that does not',
  fix: 'Ask the operator of the gate',
} as const
