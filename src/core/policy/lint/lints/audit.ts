import { type Lint } from '../lint.ts'

export const auditEndless: Lint = {
  code: 'LINT_AUDIT_ENDLESS',
  severity: 'warning',
  entries: ['LNT-03'],
  why: 'With `mode: audit` everything is admitted, whatever the verdict. A trial without an end stays one: the gate is there, and it never closes.',
  find: ({ policies }) =>
    policies.policies
      .filter(({ mode, auditUntil }) => mode === 'audit' && auditUntil === undefined)
      .map(({ file, line }) => ({
        where: `${line('mode')} mode`,
        expected: 'mode: enforce, or an "auditUntil" after which the policy enforces',
        found: 'mode: audit, for ever',
        fix: `Write "auditUntil: <time>" below "mode: audit" in ${file}`,
      })),
}

export const auditOver: Lint = {
  code: 'LINT_AUDIT_OVER',
  severity: 'note',
  entries: ['LNT-03'],
  why: 'The policy enforces now, and its text says that it watches. Whoever reads it is misled.',
  find: ({ policies, now }) =>
    policies.policies.flatMap(({ auditUntil, file, line }) =>
      auditUntil === undefined || now < auditUntil
        ? []
        : [
            {
              where: `${line('auditUntil')} auditUntil`,
              expected: 'an end that lies ahead, or mode: enforce',
              found: `an audit that ended at ${auditUntil.toISOString()}: the policy enforces`,
              fix: `Write "mode: enforce" and remove "auditUntil" in ${file}`,
            },
          ],
    ),
}
