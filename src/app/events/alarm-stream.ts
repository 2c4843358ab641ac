import { open } from 'node:fs/promises'
import { eventTypes, type EventName, type SecurityEventData } from '#api'
import { parseEvent, type SecurityEvent } from '#breakglass'
import { SallyportError } from '#error'
import { cut, type EventStream, type Message, type Placed } from '#events'
import { exemptionData, makeMessage } from './event.ts'

const maxRead = 1024 * 1024
const lineFeed = 10

/**
 * What has rung, whichever process of the home rang: the file `events.jsonl` of the alarms. Decisions that ring are in the
 * log, and are told from there.
 */
export function alarmStream(file: string, wants: (name: EventName) => boolean): EventStream {
  return {
    name: 'alarms',
    end: async () => (await readFrom(file, 0, 0)).size,
    async read(from) {
      const { size, bytes } = await readFrom(file, from, maxRead)
      // It was put aside, or begun anew: whoever has heard what is in it knows it by its ids.
      if (size < from) return { messages: [], next: 0 }
      const messages: Placed[] = []
      let place = from
      for (let at = 0; ;) {
        const end = bytes.indexOf(lineFeed, at)
        if (end < 0) break
        place = from + end + 1
        const message = messageOf(bytes.subarray(at, end), wants)
        if (message !== undefined) messages.push({ message, place })
        at = end + 1
      }
      // No event is so long: it is none, and keeps nobody from what comes after it.
      return { messages, next: place === from && bytes.length === maxRead ? from + maxRead : place }
    },
  }
}

async function readFrom(
  file: string,
  from: number,
  most: number,
): Promise<{ readonly size: number; readonly bytes: Buffer }> {
  const handle = await open(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (handle === undefined) return { size: 0, bytes: Buffer.alloc(0) }
  try {
    const { size } = await handle.stat()
    const length = Math.max(0, Math.min(most, size - from))
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, from)
    return { size, bytes: buffer.subarray(0, bytesRead) }
  } finally {
    await handle.close()
  }
}

function messageOf(line: Uint8Array, wants: (name: EventName) => boolean): Message | undefined {
  const alarm = parse(line)
  if (alarm === undefined) return undefined
  const name = `alarm.${alarm.type}`
  if (!isKnown(name) || !wants(name)) return undefined
  const { id, time, origin } = alarm
  return makeMessage(name, { key: id, id, time, origin, data: dataOf(alarm) })
}

function isKnown(name: string): name is EventName {
  return Object.hasOwn(eventTypes, name)
}

/** A line that a crash cut off is no alarm. */
function parse(line: Uint8Array): SecurityEvent | undefined {
  try {
    return line.length === 0 ? undefined : parseEvent(line)
  } catch (error) {
    if (error instanceof SallyportError) return undefined
    throw error
  }
}

function dataOf({
  summary,
  target,
  artifact,
  requester,
  reasons = [],
  exemption,
  about,
}: SecurityEvent): SecurityEventData {
  const codes = reasons.slice(0, 10).map((code) => ({ code: cut(code, 100), where: '' }))
  return {
    summary: cut(summary, 1000),
    ...(target === undefined
      ? {}
      : {
          target: { environment: cut(target.environment, 200), service: cut(target.service, 200) },
        }),
    ...(artifact === undefined
      ? {}
      : { artifact: { name: cut(artifact.name, 400), sha256: cut(artifact.sha256, 128) } }),
    ...(requester === undefined ? {} : { requester: cut(requester, 400) }),
    ...(codes.length === 0 ? {} : { reasons: codes }),
    ...(exemption === undefined ? {} : { exemptions: [exemptionData(exemption)] }),
    ...(about === undefined ? {} : { about: cut(about, 64) }),
  }
}
