import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { Operation } from '#api'
import type { Problem } from '#error'
import type { Principal, Role } from '../access/principal.ts'
import type { GateService } from './ports.ts'

export type Bindings = { Bindings: HttpBindings }
export type Call = Context<Bindings>

/** One operation of the API, and who may ask for it. */
export interface Route extends Operation {
  readonly roles: readonly Role[]
  readonly handle: (call: Call, principal: Principal, service: GateService) => Promise<Response>
  /** The body of what `failed` describes. */
  readonly fail?: (problems: readonly Problem[]) => object
}
