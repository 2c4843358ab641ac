import type { RulebookReport, SignFileReport } from '#app'
import type { CommandLine } from '../command-line.ts'
import type { Plan } from '../commands.ts'
import { escapeLine } from '../escape.ts'
import type { Outcome } from '../outcome.ts'
import type { Look } from '../render.ts'
import type { Session } from '../session.ts'
import { table } from '../table.ts'

interface KeyOptions {
  readonly key?: string
  readonly passphraseFile?: string
}

const keyFile = '--key <file>'
const keyText = 'the key of the owner (default: keys/rulebook.pem in the home folder)'
const passphraseFile = '--passphrase-file <file>'
const passphraseText = 'its passphrase (default: keys/rulebook.pass)'

export function define(command: CommandLine, plan: Plan): void {
  command
    .command('key')
    .description('make the key of one owner, and print what to write into sallyport.yaml')
    .needs('--owner <name>', 'whose key it is; thresholds count owners')
    .option(keyFile, keyText)
    .option(passphraseFile, passphraseText)
    .action((options: KeyOptions & { readonly owner: string }) =>
      plan('no key was made', (session) => key(session, options)),
    )
  command
    .command('sign')
    .description(
      'add your signature to FILE.sig: this edition of this policy or trust file is meant',
    )
    .argument('<file>', 'a policy, trust file, or file of keys; its metadata has a version')
    .option(keyFile, keyText)
    .option(passphraseFile, passphraseText)
    .action((file: string, options: KeyOptions) =>
      plan('nothing was signed', (session) => sign(session, file, options)),
    )
  command
    .command('begin')
    .description('begin to remember which editions were seen; older ones are refused from then on')
    .action(() => plan('nothing is remembered', (session) => report(session, 'begun')))
  command
    .command('verify')
    .description('verify signatures and editions of policies and trust file, as each decision does')
    .action(() =>
      plan('policies and trust file were not verified', (session) => report(session, 'verified')),
    )
}

async function key(
  session: Session,
  { owner, ...options }: KeyOptions & { readonly owner: string },
): Promise<Outcome> {
  const { makeRulebookKey } = await import('#app')
  const made = await makeRulebookKey(await session.config(), owner, options)
  const pem = made.publicKeyPem.trim().split('\n')
  return {
    exit: 0,
    json: { apiVersion: 'sallyport.dev/v1', kind: 'RulebookKeyReport', ...made },
    text: [
      `sallyport: ${session.outLook().paint.good('made')}: ${escapeLine(made.file)}`,
      '',
      'Write this into `rulebook.keys` of sallyport.yaml, at every gate:',
      '',
      `  - owner: ${escapeLine(JSON.stringify(owner))}`,
      '    publicKey: |',
      ...pem.map((line) => `      ${line}`),
    ].join('\n'),
  }
}

async function sign(session: Session, file: string, options: KeyOptions): Promise<Outcome> {
  const { signRulebookFile } = await import('#app')
  session.terminal.status('signing')
  const signed = await signRulebookFile({ config: await session.config(), file, ...options })
  return {
    exit: 0,
    json: {
      apiVersion: 'sallyport.dev/v1',
      kind: 'SignFileReport',
      ...signed,
      edition: { ...signed.edition },
    },
    text: signedText(signed, session.outLook()),
  }
}

function signedText(report: SignFileReport, { paint }: Look): string {
  const { edition, keyid, signatures, count, owners, threshold } = report
  const { kind, name, version, sha256 } = edition
  const rows: [string, string][] = [
    ['file', `${kind} ${name}, version ${version}`],
    ['sha256', sha256],
    ['key', keyid],
    ['in', `${signatures} (${count} ${count === 1 ? 'signature' : 'signatures'})`],
    ...(owners === undefined
      ? []
      : [['owners', `${owners.length} of ${threshold}: ${owners.join(', ')}`] as [string, string]]),
  ]
  return [
    `sallyport: ${paint.good('signed')}: ${escapeLine(report.file)}`,
    rowsOf(rows, paint),
  ].join('\n\n')
}

async function report(session: Session, what: 'begun' | 'verified'): Promise<Outcome> {
  const { beginRulebook, verifyRulebook } = await import('#app')
  const config = await session.config()
  const work = what === 'begun' ? beginRulebook : verifyRulebook
  const result = await work(config, session.now())
  return {
    exit: 0,
    json: { apiVersion: 'sallyport.dev/v1', kind: 'RulebookReport', ...result },
    text: reportText(result, what, session.outLook()),
  }
}

function reportText({ keys, files, memory }: RulebookReport, what: string, look: Look): string {
  const { paint } = look
  const rows: [string, string][] = files.map(({ file, kind, version }) => [
    file,
    `${kind}, version ${version}`,
  ])
  return [
    `sallyport: ${paint.good(what)}: ${files.length} signed files`,
    rowsOf(rows, paint),
    rowsOf(
      [
        ['keys', `version ${keys.version}: ${keys.threshold} of ${keys.owners.join(', ')}`],
        ['memory', memory],
      ],
      paint,
    ),
  ].join('\n\n')
}

function rowsOf(rows: readonly [string, string][], paint: Look['paint']): string {
  return table(
    rows.map(([label, value]) => [paint.faint(escapeLine(label)), escapeLine(value)]),
    '  ',
  )
}
