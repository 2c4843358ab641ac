import { relative } from 'node:path'
import type { StoryLine, StoryReport } from '#app'
import type { JsonObject } from '#document'
import type { CommandLine } from '../command-line.ts'
import type { Plan } from '../commands.ts'
import { formatDuration } from '../duration.ts'
import { escapeLine } from '../escape.ts'
import { localise, localisePaths } from '../invocation.ts'
import type { Outcome } from '../outcome.ts'
import { progressOf } from '../progress.ts'
import { headline, renderDecision } from '../render-decision.ts'
import { highlight, type Look } from '../render.ts'
import type { Session } from '../session.ts'
import { wrap } from '../wrap.ts'
import { keepHeapSteady } from '../steady-heap.ts'
import { stopSignal } from './serve.ts'

interface Options {
  readonly once: boolean
}

export function define(command: CommandLine, plan: Plan): void {
  command
    .option('--once', 'tell the story and end', false)
    .action((options: Options) => plan('the story ends here', (session) => up(session, options)))
}

async function up(session: Session, options: Options): Promise<Outcome> {
  const { tellStory } = await import('#app')
  const { terminal, json, cwd, env, home } = session
  const say = (text: string): void => {
    if (!json) terminal.out(`${text}\n`)
  }
  say(
    `${session.outLook().paint.strong('sallyport')}: one commit, from source to a recorded decision\n`,
  )
  const report = await tellStory({
    cwd,
    env,
    home,
    now: session.now,
    onLine: (line) => say(renderLine(line, session)),
    onEvent: (event) => terminal.status(progressOf(event)),
  })
  const outcome = { exit: report.exit, json: jsonOf(report) }
  if (options.once || json || report.exit !== 0)
    return { ...outcome, text: ending(report, session) }
  say(`${ending(report, session)}\n`)
  return { ...outcome, text: await keepGate(report, session) }
}

function jsonOf(report: StoryReport): JsonObject {
  return { apiVersion: 'sallyport.dev/v1', kind: 'StoryReport', ...asJson(report) }
}

/** The gate runs until somebody stops it. */
async function keepGate(
  { artifact, sha256, lines }: StoryReport,
  session: Session,
): Promise<string> {
  keepHeapSteady()
  const { startStoryGate } = await import('#app')
  const { terminal, cwd, env, home, now } = session
  const { paint } = session.outLook()
  const gate = await startStoryGate({
    cwd,
    env,
    home,
    artifact,
    sha256,
    clock: now,
    out: { write: (text) => (/"level":"error"/.test(text) ? terminal.err(text) : undefined) },
  })
  const here = (path: string): string => relative(cwd, path) || path
  const command = `curl -H @${here(gate.header)} -d @${here(gate.question)} ${gate.address}/api/v1/decisions`
  const number = paint.faint(String(lines.length + 2).padStart(2))
  const text = [
    `${number}  ${paint.strong('gate'.padEnd(indent - 4))}listens at ${gate.address}; Ctrl-C stops it`,
    `    ${paint.faint('may the artifact run in production? not before it is approved: ask before and after')}`,
    `      ${paint.command(escapeLine(command))}`,
  ]
  terminal.out(`${text.join('\n')}\n`)
  await stopSignal()
  await gate.stop()
  return 'sallyport: the gate has stopped'
}

function asJson(report: StoryReport): JsonObject {
  return JSON.parse(JSON.stringify(report)) as JsonObject
}

const indent = 16

/** ` 3  materials   26 locked, … 8.1 s`, what more there is to say below it, and a refusal in full. */
function renderLine(line: StoryLine, session: Session): string {
  const look = session.outLook(line.report?.paths)
  const { paint } = look
  const number = paint.faint(String(line.step).padStart(2))
  const name = paint.strong(line.name.padEnd(indent - 4))
  const time = paint.faint(`(${formatDuration(line.milliseconds)})`)
  const text = line.report === undefined ? said(line.text, look) : answer(line.report, look)
  const notes = line.notes.map((note) => ' '.repeat(indent) + paint.faint(said(note, look)))
  return [`${number}  ${name}${text} ${time}`, ...notes, ...refusal(line, look)].join('\n')
}

function said(text: string, look: Look): string {
  const local = localisePaths(localise(text, look.invocation), look.invocation)
  return highlight(wrap(escapeLine(local), look.width, indent), look.paint)
}

function answer({ decision }: NonNullable<StoryLine['report']>, look: Look): string {
  return headline(decision, look).replace(/^sallyport: /, '')
}

/** A refusal is shown whole, as `sallyport verify` shows it: it is what the story is about. */
function refusal({ report }: StoryLine, look: Look): string[] {
  if (report === undefined || report.exit === 0) return []
  const [, ...rest] = renderDecision(report.decision, look, report.receipt).split('\n')
  return [...rest.map((text) => (text === '' ? '' : `    ${text}`)), '']
}

function ending(report: StoryReport, session: Session): string {
  const look = session.outLook()
  const { paint } = look
  const rows = report.next.map(({ command, what }) => {
    const local = localisePaths(localise(`\`${command}\``, look.invocation), look.invocation)
    return `    ${paint.faint(what)}\n      ${paint.command(escapeLine(local.slice(1, -1)))}`
  })
  const number = paint.faint(String(report.lines.length + 1).padStart(2))
  const next = `${number}  ${paint.strong('next')}\n${rows.join('\n')}`
  const end = `sallyport: done in ${formatDuration(report.milliseconds)}`
  return `${next}\n\n${end}`
}
