import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadConfig } from '#config'
import { openGate, startGateSigner } from '../../src/app/gate.ts'
import { ask, readQuestion } from '../../src/app/verify.ts'
import { runMain } from './main.ts'

/** glass OWNER: makes the key of an approver, and lets the home's production be opened with it. */
export async function glass([owner = '']: readonly string[], dir: string): Promise<string> {
  const { raw } = await runMain(['breakglass', 'key', '--json'], dir, {})
  const { publicKeyPem } = JSON.parse(raw) as { publicKeyPem: string }
  const key = `{publicKey: ${JSON.stringify(publicKeyPem)}, owner: ${owner}, validFrom: 2026-01-01T00:00:00Z}`
  const types = '[https://sallyport.dev/attestation/breakglass/v1]'
  const trust = join(dir, '.sallyport/trust.yaml')
  const signer = `signers:\n  sre-oncall: {keys: [${key}], predicateTypes: ${types}}\n`
  writeFileSync(trust, readFileSync(trust, 'utf8').replace('signers:\n', signer))
  const policy = join(dir, '.sallyport/policies/production.yaml')
  appendFileSync(policy, 'breakglass: {approvers: [sre-oncall], maxDuration: 2h}\n')
  return ''
}

/** asks NAME ARTIFACT: somebody else, with an account of their own on this machine, asks whether it may run in production. */
export async function asks(
  [name = '', artifact = '']: readonly string[],
  dir: string,
): Promise<string> {
  const config = loadConfig({ cwd: dir, env: {} })
  const typed = join(dir, artifact)
  const question = await readQuestion({ config, artifact: typed, bundles: [], policies: [] })
  await using gate = await openGate(config, startGateSigner(config))
  const target = { environment: 'production', service: 'shop' }
  const asker = { requester: name, principal: `os:${name}` }
  const { decision } = await ask(question, gate, { config, target, asker, now: new Date() })
  return `${decision.effect}\n`
}
