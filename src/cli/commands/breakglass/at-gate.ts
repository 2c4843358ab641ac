import type { AtGate } from '#app'
import type { Config } from '#config'
import { SallyportError } from '#error'
import { gatePlace, type GateOptions } from '../../gate-place.ts'
import type { Session } from '../../session.ts'

/** The gate that `--gate` names; undefined when the home of this machine is to be used. */
export function atGate(session: Session, name: string, options: GateOptions): AtGate | undefined {
  const gate = gatePlace(options.gate, options, { where: `sallyport breakglass ${name}` })
  return gate && { gate, env: session.env }
}

/** For options that only a home needs: the gate knows by the token who asks. */
export function notAtGate(name: string, option: string, value: string | undefined): void {
  if (value === undefined) return
  throw new SallyportError({
    code: 'USAGE_VALUE',
    where: `sallyport breakglass ${name} ${option}`,
    expected: 'none with --gate: who you are is said by the token',
    found: 'a name',
    fix: `Leave ${option} out`,
  })
}

/** The home of this machine, for a command that could ask a gate in its place. */
export function homeOrGate(session: Session): Promise<Config> {
  return homeOr(session, 'Ask a gate that runs with `--gate URL --token-file FILE`')
}

/** The home of this machine, for a command that there is another way for. */
export async function homeOr(session: Session, otherwise: string): Promise<Config> {
  try {
    return await session.config()
  } catch (cause) {
    if (!(cause instanceof SallyportError) || cause.code !== 'HOME_MISSING') throw cause
    const { code, where, expected, found } = cause
    const fix = `${otherwise}; or name the home of this machine with --home or SALLYPORT_HOME`
    const told = { code, ...(where === undefined ? {} : { where }), expected, found, fix }
    throw new SallyportError(told, { cause })
  }
}
