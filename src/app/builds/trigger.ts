import type { Config } from '#config'
import { SallyportError } from '#error'
import type { BuildBegun } from '#log'
import type { Principal } from '#server'
import { askerOf } from '../pipeline/asker.ts'
import { readToken, type TokenPlace } from '../pipeline/token.ts'

/** Who asked for a build, as it stands in the log. */
export type BuildTrigger = BuildBegun['trigger']

export interface TriggerOptions {
  readonly config: Config
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where an OpenID Connect token is that says on whose behalf this runs. */
  readonly identity?: TokenPlace
  readonly now: () => Date
}

/**
 * Who asks for a build. Without a token it is whom the operating system says, which is named as that: `os:jo`. A token is
 * verified as the gate does, by the issuers under `access.oidc`, and must be granted the role `builder`; one that is given
 * and not good is never passed over.
 *
 * @throws SallyportError BUILD_IDENTITY, GATE_TOKEN, SERVER_UNAVAILABLE
 */
export async function triggerOf(options: TriggerOptions): Promise<BuildTrigger> {
  const { env, identity, config } = options
  const asker = askerOf(env)
  if (identity === undefined) return asker
  const { name } = checked(await proven(await readToken(identity, env), options), config)
  return { ...asker, principal: name }
}

async function proven(token: string, { config, now }: TriggerOptions) {
  // Loaded where it is needed: most builds have no token, and a build need not load a server.
  const { askIssuer, openOidc } = await import('#server')
  const { accessOf } = await import('../serve/access-settings.ts')
  const { oidc } = await accessOf(config)
  const fix =
    'Build again; if it stays so, make the issuer reachable, or name a file with its keys as keysFile'
  return await askIssuer(openOidc(oidc), token, { now: now(), fix })
}

function checked(principal: Principal | undefined, { access, file }: Config): Principal {
  if (principal?.roles.has('builder') === true) return principal
  const issuers = access.oidc.map(({ issuer }) => issuer)
  throw new SallyportError({
    code: 'BUILD_IDENTITY',
    where: principal?.name ?? 'the token of who asks',
    expected:
      issuers.length === 0
        ? 'an issuer under access.oidc, which says whose tokens are believed'
        : `a token of ${issuers.join(' or ')} that is valid now, with claims that are granted the role builder`,
    found:
      principal === undefined
        ? 'one that proves nobody here'
        : `the roles ${[...principal.roles].join(', ')}`,
    fix: `Correct what the pipeline asks its token for (audience), or the grants under access.oidc in ${file}; without --identity-token-file and --identity-token-env the user of this machine is recorded`,
  })
}
