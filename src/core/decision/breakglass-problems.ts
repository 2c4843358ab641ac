import type { Breakglass } from '#attestation'
import { quote, type Problem } from '#error'
import type { DeploymentRequest, Policy, Target } from '#policy'
import type { Trust } from '#trust'

// Why one grant does not count, each with what would. A grant that does not count has no effect.

export function otherArtifact({ artifact }: DeploymentRequest, where: string): Problem {
  return {
    code: 'BREAKGLASS_OTHER_ARTIFACT',
    where,
    expected: `a grant for sha256:${artifact.digest['sha256'] ?? ''}`,
    found: 'one for other bytes',
    fix: `Have these bytes granted: \`sallyport breakglass request\` with them; a grant is never for whatever comes next`,
  }
}

export function notOffered(policy: Policy | undefined, trust: Trust, where: string): Problem {
  const { expires } = trust
  const place =
    policy === undefined ? `"breakglass" in ${trust.file}` : `"breakglass" in ${policy.file}`
  return {
    code: 'BREAKGLASS_NOT_OFFERED',
    where,
    expected: `${place}, which says who may grant, and a trust file that is good`,
    found: 'a grant where nobody may',
    fix:
      expires === undefined
        ? `Have the owner of ${policy?.file ?? trust.file} add "breakglass" if this target may be opened in an emergency`
        : `Have the owner of ${policy?.file ?? trust.file} add "breakglass", and renew ${trust.file} if ${expires.toISOString()} is over`,
  }
}

export function otherTarget(
  { environment, service }: Target,
  grant: Breakglass,
  where: string,
): Problem {
  return {
    code: 'BREAKGLASS_OTHER_TARGET',
    where,
    expected: `a grant for ${quote(environment, 100)}/${quote(service, 100)}`,
    found: `one for ${quote(grant.environment, 100)}/${grant.service === undefined ? 'every service' : quote(grant.service, 100)}`,
    fix: `Have it granted for this target, or deploy where it is granted`,
  }
}

export function notYet(now: Date, { notBefore }: Breakglass, where: string): Problem {
  return {
    code: 'BREAKGLASS_NOT_YET',
    where,
    expected: `a grant that holds at ${now.toISOString()}`,
    found: `one that begins at ${quote(notBefore, 60)}`,
    fix: 'Wait until then, or compare the clocks of the two machines',
  }
}

export function expired(now: Date, { expires }: Breakglass, where: string): Problem {
  return {
    code: 'BREAKGLASS_EXPIRED',
    where,
    expected: `a grant that holds at ${now.toISOString()}`,
    found: `one that was over at ${quote(expires, 60)}`,
    fix: 'Deploy something that the policy lets in; if the emergency lasts, ask for another grant',
  }
}

export function tooLong(most: string, grant: Breakglass, where: string): Problem {
  return {
    code: 'BREAKGLASS_TOO_LONG',
    where,
    expected: `a grant for at most ${most}`,
    found: `one from ${quote(grant.notBefore, 60)} to ${quote(grant.expires, 60)}`,
    fix: `Ask again with --for ${most} or less`,
  }
}

export function rulesLeft(open: readonly string[], grant: Breakglass, where: string): Problem {
  const list = (names: readonly string[]): string =>
    names
      .slice(0, 8)
      .map((name) => quote(name, 80))
      .join(', ')
  return {
    code: 'BREAKGLASS_RULES',
    where,
    expected: `a grant that waives ${list(open)}, too: it does not hold now`,
    found: `one that waives ${list(grant.rules)}`,
    fix: open.includes('deployers')
      ? 'Have it deployed by whom the policy names as deployer, or ask again: `sallyport breakglass request` with --rules for each rule and `--rules deployers`'
      : 'Make the other rules hold, or ask again: `sallyport breakglass request` lists everything that would have to be waived',
  }
}

export function notApprover(
  approvers: readonly string[],
  signers: readonly string[],
  where: string,
): Problem {
  return {
    code: 'BREAKGLASS_NOT_APPROVER',
    where,
    expected: `a signature of ${approvers.map((name) => quote(name, 80)).join(' or ')}`,
    found: `one of ${signers.map((name) => quote(name, 80)).join(', ')}`,
    fix: 'Have somebody grant it who may; the policy says who that is',
  }
}

export function selfApproved(owners: readonly string[], where: string): Problem {
  const names = owners.map((name) => quote(name, 80)).join(', ')
  return {
    code: 'BREAKGLASS_SELF_APPROVED',
    where,
    expected: 'a grant of somebody else than who asks',
    found: `one of ${names}, who asked for it, or asks now`,
    fix: 'Have another approver grant it; nobody breaks the glass alone',
  }
}

export function tooFew(owners: readonly string[], needed: number, where: string): Problem {
  return {
    code: 'BREAKGLASS_TOO_FEW',
    where,
    expected: `grants of ${needed} distinct people`,
    found: `${owners.length}: ${owners.map((owner) => quote(owner, 80)).join(', ')}`,
    fix: `Have ${needed - owners.length} more approve the same request`,
  }
}
