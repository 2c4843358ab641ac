import type { Readable } from 'node:stream'
import { catalogue, SallyportError, type Problem, type ProblemCode } from '#error'
import type { PullAnswer } from '../ports.ts'
import { phraseOf } from '../phrase.ts'
import { reasonOf } from './reason.ts'

/** An answer to npm. */
export interface NpmReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | Readable
  /** Why not, for the status line. */
  readonly phrase?: string
}

const maxProblems = 16
const statuses: Partial<Record<ProblemCode, number>> = {
  NPM_NOT_FOUND: 404,
  NPM_NOT_OFFERED: 404,
  ACCESS_UNAUTHENTICATED: 401,
  ACCESS_FORBIDDEN: 403,
  REQUEST_TOO_LARGE: 413,
  DOCUMENT_TOO_LARGE: 413,
  SERVER_INTERNAL: 500,
}

/** What is refused or could not be done. npm shows `error` behind the status and the address. */
export function replyOfProblems(problems: readonly Problem[], status?: number): NpmReply {
  const [first] = problems
  const more = problems.length > 1 ? `; and ${problems.length - 1} more` : ''
  const error = first === undefined ? 'no answer' : `${reasonOf(first)}${more}`
  return replyOf(status ?? statusOf(first?.code), error, problems)
}

export function replyOfError(error: SallyportError): NpmReply {
  return replyOfProblems(error.problems)
}

/** A decision that lets nobody in. What could not be told is worth asking again; a no is not. */
export function replyOfDecision(answer: PullAnswer, text: string): NpmReply {
  const { verdict, reasons } = answer.decision
  return replyOf(verdict === 'UNDETERMINED' ? 503 : 403, text, reasons)
}

function replyOf(status: number, error: string, problems: readonly Problem[]): NpmReply {
  return {
    status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    },
    body: JSON.stringify({ error, problems: problems.slice(0, maxProblems) }),
    phrase: phraseOf(error),
  }
}

function statusOf(code: ProblemCode | undefined): number {
  if (code === undefined) return 500
  const { exit } = catalogue[code]
  return statuses[code] ?? { 1: 403, 2: 400, 3: 503 }[exit]
}
