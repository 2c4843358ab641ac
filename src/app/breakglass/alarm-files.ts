import { access, constants, stat } from 'node:fs/promises'
import type { Config } from '#config'
import type { Problem } from '#error'
import type { Journal } from '#server'

/**
 * Why sinks of alarms will hear nothing although they may be there: the gate cannot read what it needs to speak to them. It is
 * told before the first alarm.
 */
export async function alarmFileProblems({
  alarms,
}: Pick<Config, 'alarms'>): Promise<readonly Problem[]> {
  const { webhook, smtp, syslog } = alarms
  const files = [
    ...webhook.map(({ secretFile }, at) => [`webhook[${at}].secretFile`, secretFile] as const),
    ...smtp.map(({ ca }, at) => [`smtp[${at}].ca`, ca] as const),
    ...syslog.map((one, at) => [`syslog[${at}].ca`, 'ca' in one ? one.ca : undefined] as const),
  ]
  const problems: Problem[] = []
  // One after the other: what hangs on a file system that is away may hold up one thread, and not all of them.
  for (const [field, file] of files) problems.push(...(await problemsOf(`alarms.${field}`, file)))
  return problems
}

/** Looks again and again, and writes down once what is new. */
export function watchAlarmFiles(
  config: Pick<Config, 'alarms'>,
  journal: Journal,
): { look(): Promise<void>; problems(): readonly Problem[] } {
  let problems: readonly Problem[] = []
  let looking: Promise<void> | undefined
  const look = async (): Promise<void> => {
    const known = new Set(problems.map(({ where }) => where))
    problems = await alarmFileProblems(config)
    const fresh = problems.filter(({ where }) => !known.has(where))
    if (fresh.length > 0) journal.write('warn', 'a sink of alarms is deaf', { problems: fresh })
  }
  return {
    look: () =>
      (looking ??= look().finally(() => {
        looking = undefined
      })),
    problems: () => problems,
  }
}

async function problemsOf(field: string, file: string | undefined): Promise<readonly Problem[]> {
  if (file === undefined) return []
  const found = await faultOf(file).catch(
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  )
  if (found === undefined) return []
  return [
    {
      code: 'FILE_UNREADABLE',
      where: `${field}: ${file}`,
      expected: 'a file that the gate can read: without it this sink hears no alarm',
      found,
      fix: 'Put it there, or correct the path; it is read again for each alarm',
    },
  ]
}

async function faultOf(file: string): Promise<string | undefined> {
  const info = await stat(file)
  if (!info.isFile()) return 'something that is not a file'
  if (info.size === 0) return 'nothing in it'
  await access(file, constants.R_OK)
  return undefined
}
