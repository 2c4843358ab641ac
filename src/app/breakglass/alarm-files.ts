import { readFile } from 'node:fs/promises'
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
  const found = await Promise.all(files.map(([field, file]) => problemOf(`alarms.${field}`, file)))
  return found.flatMap((problem) => problem ?? [])
}

/** Looks again and again, and writes down once what is new. */
export function watchAlarmFiles(
  config: Pick<Config, 'alarms'>,
  journal: Journal,
): { look(): Promise<void>; problems(): readonly Problem[] } {
  let problems: readonly Problem[] = []
  return {
    async look() {
      const known = new Set(problems.map(({ where }) => where))
      problems = await alarmFileProblems(config)
      const fresh = problems.filter(({ where }) => !known.has(where))
      if (fresh.length > 0) journal.write('warn', 'a sink of alarms is deaf', { problems: fresh })
    },
    problems: () => problems,
  }
}

async function problemOf(field: string, file: string | undefined): Promise<Problem | undefined> {
  if (file === undefined) return undefined
  const found = await readFile(file).then(
    ({ length }) => (length === 0 ? 'nothing in it' : undefined),
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  )
  return found === undefined
    ? undefined
    : {
        code: 'FILE_UNREADABLE',
        where: `${field}: ${file}`,
        expected: 'a file that the gate can read: without it this sink hears no alarm',
        found,
        fix: 'Put it there, or correct the path; it is read again for each alarm',
      }
}
