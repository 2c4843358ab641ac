import { buildAskSchema, builtSchema } from '#api'
import { checkShape, parseJson } from '#document'
import { SallyportError } from '#error'
import { readBody } from '../body.ts'
import type { Route } from './route.ts'

/** An entry of the log has less than 64 KiB. */
const maxBody = 48 * 1024
const what = 'request body'

/** All that a builder may do here: it can add a record, and neither read, change nor decide anything. */
export const buildRoutes: readonly Route[] = [
  {
    method: 'post',
    path: '/api/v1/builds',
    summary: 'Record a build that you have signed, out of your own reach',
    roles: ['builder'],
    request: buildAskSchema,
    responses: {
      200: { description: 'It is in the log, and this proves it', schema: builtSchema },
    },
    handle: async (call, { name }, service) => {
      const body = await readBody(call.env.incoming, maxBody)
      const ask = checkShape(buildAskSchema, parseJson(body, { what, maxBytes: maxBody }), { what })
      if (service.built === undefined) throw new SallyportError(notKept)
      return call.json(await service.built(ask, name))
    },
  },
]

const notKept = {
  code: 'REQUEST_NOT_FOUND',
  where: 'builds',
  expected: 'a gate that records builds',
  found: 'one that does not',
  fix: 'Ask the operator of the gate',
} as const
