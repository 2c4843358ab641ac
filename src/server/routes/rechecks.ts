import { z } from 'zod'
import { recheckListSchema } from '#api'
import { SallyportError } from '#error'
import type { Route } from './route.ts'
import { numberOf } from './number.ts'

const limit = z.int().min(1).max(1000)

/** What was let in because evidence could not be had: nobody can add to it, or take anything off it. */
export const recheckRoutes: readonly Route[] = [
  {
    method: 'get',
    path: '/api/v1/rechecks',
    summary: 'What was let in without evidence, and what came of it when it was decided again',
    roles: ['auditor', 'operator'],
    parameters: [
      { name: 'limit', in: 'query', schema: limit, description: 'of each list; default 100' },
    ],
    responses: { 200: { description: 'Open ones, and settled ones', schema: recheckListSchema } },
    handle: (call, _, service) => {
      const list = service.rechecks?.(numberOf(call, 'limit', limit) ?? 100)
      if (list === undefined) throw new SallyportError(none)
      return Promise.resolve(call.json(list))
    },
  },
]

const none = {
  code: 'REQUEST_NOT_FOUND',
  where: 'rechecks',
  expected: 'a gate that decides again what it could not tell',
  found: 'one that does not',
  fix: 'Ask the operator of the gate',
} as const
