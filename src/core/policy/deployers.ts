import { z } from 'zod'
import { quote } from '#error'

/** Somebody who may deploy: exactly this one, or everybody whose name goes on behind a prefix. Never a regular expression. */
export type Deployer = string | { readonly prefix: string }

const exact =
  'a name as choke points prove it: token:NAME, oidc:ISSUER#SUBJECT, certificate:SUBJECT, kubernetes:USER or os:USER'

/** `token:release-ci`, or `{prefix: 'oidc:https://issuer.example#repo:acme/shop:ref:refs/tags/'}`. */
export const deployersSchema = z
  .array(
    z.union(
      [
        z
          .string()
          .max(2000)
          .regex(
            /^(?:(?:token|certificate|kubernetes|os):[^*]*[^*\s]|oidc:[^#*\s]+#[^*]*[^*\s])$/,
            exact,
          ),
        z.strictObject({
          prefix: z
            .string()
            .max(2000)
            .regex(
              /^(?:(?:token|certificate|kubernetes|os):|oidc:[^#*\s]+#)[^*\s]+[/:]$/,
              'a prefix with a kind and at least one part, which ends with "/" or ":"',
            ),
        }),
      ],
      `${exact}; or {prefix: …}`,
    ),
  )
  .min(1, 'at least one deployer')
  .max(256)
  .describe(
    'who may deploy there, as choke points prove who asks; all others are refused whatever the artifact is. Left out: everybody whom a choke point lets ask',
  )

/** Whether somebody is among them. Who has proven nothing is nobody. */
export function mayDeploy(deployers: readonly Deployer[], principal: string | undefined): boolean {
  if (principal === undefined) return false
  return deployers.some((one) => {
    if (typeof one === 'string') return one === principal
    const rest = principal.slice(one.prefix.length)
    return principal.startsWith(one.prefix) && rest !== '' && !/(?:^|\/)\.\.?(?:\/|$)/.test(rest)
  })
}

export function showDeployer(one: Deployer): string {
  return typeof one === 'string' ? quote(one, 200) : `anybody below ${quote(one.prefix, 200)}`
}
